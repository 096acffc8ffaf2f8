//! A stream in detail: the Rust counterpart of an async generator.
//!
//! In Python, an async generator yields one value after another, and `async for` loops over them:
//!
//! ```python
//! async def countdown(start, period):
//!     for left in range(start, 0, -1):
//!         await asyncio.sleep(period)
//!         yield left
//!
//! async for left in countdown(3, 0.1):
//!     print(left)
//! ```
//!
//! In Rust, the counterpart is a `Stream`: think of a future that can be ready more than once.
//! Stable Rust has no `yield` yet. This file implements the same stream twice: with a closure that
//! is passed to `unfold`, and with a type that implements `Stream` directly.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::time::{Instant, Sleep, sleep};

/// Counts down from `start` to 1, one number per `period`. The countdown begins at the first poll.
///
/// `while let Some(...) = stream.next().await` is Rust's `async for`. Dropping the stream ends it,
/// as `aclosing` does in Python. The `pin!` is needed because the stream holds a future, which
/// must not move once it has been polled.
///
/// ```
/// use std::{pin::pin, time::Duration};
/// use futures_util::StreamExt;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut countdown = pin!(fetch::countdown::countdown(3, Duration::from_millis(1)));
/// while let Some(left) = countdown.next().await {
///     println!("{left}");
/// }
/// # })
/// ```
pub fn countdown(start: u32, period: Duration) -> impl Stream<Item = u32> {
    // `unfold` keeps a state, and for every item, it calls this closure and awaits the result. The
    // closure returns the item and the next state, or `None` at the end.
    stream::unfold(start, move |left| async move {
        if left == 0 {
            return None;
        }
        sleep(period).await;
        Some((left, left - 1))
    })
}

/// A stream that yields the same items as [`countdown`], but implements `Stream` directly.
pub struct Countdown {
    left: u32,
    period: Duration,
    /// The pause before the next number. It is boxed, so that the stream can move while the timer
    /// stays where it is.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Countdown {
    /// Counts down from `start` to 1, one number per `period`. The countdown begins at the first
    /// poll.
    pub fn new(start: u32, period: Duration) -> Self {
        Self { left: start, period, pause: None }
    }
}

impl Stream for Countdown {
    type Item = u32;

    /// Works like [`Future::poll`], except that there are two ways to be ready: with the next
    /// item, or with `None`, which means that there are no more items.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<u32>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let period = self.period;
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(period)));
        // If the pause is not over yet, it has stored our waker, and `ready!` returns `Pending`.
        ready!(pause.as_mut().poll(context));
        pause.as_mut().reset(Instant::now() + period);
        let item = self.left;
        self.left -= 1;
        Poll::Ready(Some(item))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn both_countdowns_yield_the_same_items_at_the_same_times() {
        let timed = async |stream: Pin<&mut dyn Stream<Item = u32>>| {
            let start = Instant::now();
            stream.map(|left| (left, start.elapsed())).collect::<Vec<_>>().await
        };
        let expected = [(3, SECOND), (2, 2 * SECOND), (1, 3 * SECOND)];
        assert_eq!(timed(pin!(Countdown::new(3, SECOND))).await, expected);
        assert_eq!(timed(pin!(countdown(3, SECOND))).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_does_nothing_between_two_polls() {
        let mut countdown = Countdown::new(3, SECOND);
        assert_eq!(countdown.next().await, Some(3));
        // For an hour, nobody polls the stream. The remaining numbers are overdue then, but the
        // stream does not skip any of them.
        sleep(3600 * SECOND).await;
        assert_eq!(countdown.next().await, Some(2));
        assert_eq!(countdown.next().await, Some(1));
        assert_eq!(countdown.next().await, None);
    }
}
