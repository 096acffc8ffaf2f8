//! Deadlines: the counterparts of `asyncio.timeout_at` and of `reschedule`.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, timeout_at};

/// Runs the steps one after another, and returns the results of the steps that finished before the
/// deadline.
///
/// A timeout is a length of time. If each of three steps has its own timeout, together they may
/// take three times as long as one timeout. A deadline is a point in time, and all the steps share
/// it.
///
/// At the deadline, the step that is running is dropped, and the steps after it never start.
/// Dropping the future drops the step in progress, and loses the results of the earlier steps.
///
/// ```
/// use std::time::Duration;
/// use errors::deadline::run_until;
/// use tokio::time::{Instant, sleep};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let steps = ["look up", "connect", "read"].map(|name| async move {
///     sleep(Duration::from_secs(1)).await;
///     name
/// });
/// let deadline = Instant::now() + Duration::from_millis(2500);
/// assert_eq!(run_until(deadline, steps).await, ["look up", "connect"]);
/// # }
/// ```
pub async fn run_until<F>(deadline: Instant, steps: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future,
{
    let mut results = Vec::new();
    for step in steps {
        match timeout_at(deadline, step).await {
            Ok(result) => results.push(result),
            Err(_) => break,
        }
    }
    results
}

/// Receives items until no item has arrived for the duration `idle`, or until the channel is
/// closed.
///
/// Every item moves the deadline, so there is no limit on the total time. Dropping the future
/// loses the items received so far, but not the items that are still in the channel.
///
/// ```
/// use std::time::Duration;
/// use errors::deadline::receive_until_idle;
/// use tokio::sync::mpsc;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (sender, mut receiver) = mpsc::channel(10);
/// sender.send("a line").await.unwrap();
/// sender.send("another").await.unwrap();
/// let lines = receive_until_idle(&mut receiver, Duration::from_secs(1)).await;
/// assert_eq!(lines, ["a line", "another"]);
/// # }
/// ```
pub async fn receive_until_idle<T>(receiver: &mut Receiver<T>, idle: Duration) -> Vec<T> {
    let mut items = Vec::new();
    // The runtime keeps the address of this timer in a list, so the timer must not move. `pin!`
    // makes sure of that.
    let mut quiet = pin!(sleep(idle));
    loop {
        tokio::select! {
            item = receiver.recv() => match item {
                Some(item) => {
                    items.push(item);
                    quiet.as_mut().reset(Instant::now() + idle);
                }
                None => return items,
            },
            () = &mut quiet => return items,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn all_steps_share_one_deadline() {
        let start = Instant::now();
        let steps = [1, 2, 3].map(|number| async move {
            sleep(SECOND).await;
            number
        });
        assert_eq!(run_until(start + SECOND * 5 / 2, steps).await, [1, 2]);
        assert_eq!(start.elapsed(), SECOND * 5 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn every_item_moves_the_deadline() {
        let start = Instant::now();
        let (sender, mut receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            // The last pause is longer than the 5 s for which the receiver waits.
            for (number, pause) in [(1, 3), (2, 4), (3, 4), (4, 6)] {
                sleep(pause * SECOND).await;
                let _ = sender.send(number).await;
            }
        });
        assert_eq!(receive_until_idle(&mut receiver, 5 * SECOND).await, [1, 2, 3]);
        assert_eq!(start.elapsed(), (3 + 4 + 4 + 5) * SECOND);
        // This call receives item 4, which came too late for the previous call, and returns because
        // the channel is closed.
        assert_eq!(receive_until_idle(&mut receiver, 5 * SECOND).await, [4]);
    }
}
