//! On how many threads do tasks run by default?

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use super::{LONG, NOT_ENOUGH_CORES, Seen};

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A meeting of tasks, each of which blocks its thread until there are as many blocked threads as
/// cores. If that takes too long, the runtime has fewer threads, and the tasks give up.
#[derive(Clone, Default)]
struct Meeting(Arc<(Mutex<Present>, Condvar)>);

#[derive(Default)]
struct Present {
    threads: HashSet<ThreadId>,
    is_over: bool,
}

impl Meeting {
    async fn attend(self) {
        let (present, changed) = &*self.0;
        let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
        present.threads.insert(thread::current().id());
        present.is_over |= present.threads.len() >= cores();
        changed.notify_all();
        let wait = changed.wait_timeout_while(present, LONG, |present| !present.is_over);
        wait.unwrap_or_else(PoisonError::into_inner).0.is_over = true;
        changed.notify_all();
    }

    fn seen(self) -> Seen {
        let count = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).threads.len();
        let answer = match count {
            _ if cores() == 1 => NOT_ENOUGH_CORES,
            1 => "one",
            count if count == cores() => "one per core",
            _ => "another number",
        };
        Seen::from(answer).with(format!("{count} on {} cores", cores()))
    }
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let meeting = Meeting::default();
    let tasks: Vec<_> = (0..2 * cores()).map(|_| tokio::spawn(meeting.clone().attend())).collect();
    for task in tasks {
        task.await.expect("the task does not panic");
    }
    meeting.seen()
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let meeting = Meeting::default();
    let tasks: Vec<_> =
        (0..2 * cores()).map(|_| async_std::task::spawn(meeting.clone().attend())).collect();
    for task in tasks {
        task.await;
    }
    meeting.seen()
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let meeting = Meeting::default();
    let tasks: Vec<_> = (0..2 * cores()).map(|_| smol::spawn(meeting.clone().attend())).collect();
    for task in tasks {
        task.await;
    }
    meeting.seen()
}
