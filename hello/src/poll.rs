//! Shows what the runtime does with a future. For this, we use a future that prints every poll and
//! every wake.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use crate::clock::Clock;

/// The length of each wait.
const WAIT: Duration = Duration::from_millis(200);

/// A future that has to wait twice before it is ready. Its value is the number of times it was
/// polled.
///
/// You rarely implement `Future` yourself: for an `async fn`, the compiler writes `poll` for you.
/// But every future works like this one, and `poll` is the only method of a future that `.await`
/// and the runtime call.
struct Traced {
    polls: u32,
    clock: Clock,
}

impl Future for Traced {
    type Output = u32;

    /// Does as much as it can without waiting. The runtime calls `poll` when it polls the task:
    /// first when the task reaches the `.await`, and then after each wake. A real future must check
    /// here whether its event has happened, because it may also be polled for another reason. For
    /// example, another future in the same `join!` may have been woken.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        self.polls += 1;
        if self.polls == 3 {
            self.clock.say("poll 3: ready");
            return Poll::Ready(self.polls);
        }
        self.clock.say(&format!("poll {}: pending", self.polls));

        // Before a future returns `Pending`, it has to make sure that something will wake its task.
        // Here, a thread does that. Tokio's `sleep` puts the waker into the runtime's list of
        // timers instead, and a socket gives the waker to the part of the runtime that watches
        // sockets.
        let (waker, clock) = (context.waker().clone(), self.clock);
        thread::spawn(move || {
            thread::sleep(WAIT);
            clock.say("        wake");
            waker.wake();
        });
        Poll::Pending
    }
}

/// Awaits a future that shows how it is polled.
pub async fn play(clock: Clock) {
    clock.title("poll: what the runtime does with a future");
    let polls = Traced { polls: 0, clock }.await;
    clock.say(&format!(
        "done after {polls} polls; between them, the thread was free for other tasks"
    ));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn a_future_is_polled_once_and_again_after_each_wake() {
        assert_eq!(Traced { polls: 0, clock: Clock::start() }.await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_does_not_arrange_a_wake_is_never_polled_again() {
        let polls = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&polls);
        let forgetful = std::future::poll_fn(move |_| {
            counter.fetch_add(1, Relaxed);
            Poll::<()>::Pending
        });
        let task = tokio::spawn(forgetful);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(polls.load(Relaxed), 1);
        assert!(!task.is_finished());
    }
}
