//! On how many threads do tasks run, when nothing is said about it?

use std::collections::HashSet;
use std::thread::{self, ThreadId};

use super::{A_MOMENT, Seen};

/// A task that keeps its thread, so that the next one needs another.
async fn keep_the_thread() -> ThreadId {
    thread::sleep(A_MOMENT);
    thread::current().id()
}

fn seen(threads: Vec<ThreadId>) -> Seen {
    let count = threads.into_iter().collect::<HashSet<_>>().len();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let answer = match count {
        _ if cores == 1 => super::NOT_TO_BE_TOLD,
        1 => "one",
        count if count == cores => "one a core",
        _ => "another number",
    };
    Seen::from(answer).with(format!("{count} threads on {cores} cores"))
}

/// More than there are cores.
fn many() -> usize {
    4 * thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let tasks: Vec<_> = (0..many()).map(|_| tokio::spawn(keep_the_thread())).collect();
    let mut threads = Vec::new();
    for task in tasks {
        threads.push(task.await.expect("it does not panic"));
    }
    seen(threads)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let tasks: Vec<_> = (0..many()).map(|_| async_std::task::spawn(keep_the_thread())).collect();
        let mut threads = Vec::new();
        for task in tasks {
            threads.push(task.await);
        }
        seen(threads)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let tasks: Vec<_> = (0..many()).map(|_| smol::spawn(keep_the_thread())).collect();
        let mut threads = Vec::new();
        for task in tasks {
            threads.push(task.await);
        }
        seen(threads)
    })
}
