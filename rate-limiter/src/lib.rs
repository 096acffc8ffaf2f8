//! Never more than N in any window: exercise 2, and what its usual solutions get wrong.
//!
//! A token bucket or a fixed window lets up to 2 N through one window: N at its end, N more at the
//! start of the next. This limiter keeps the times of the last N grants; the next grant waits until
//! the oldest of them is a whole window ago. That is exact, at every moment.
//!
//! Run with: `cargo run -p rate-limiter`

use std::collections::VecDeque;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Grants at most a number of requests in any window of time, first come first served.
///
/// For every k, grant k + `max_requests` comes at least one `time_window` after grant k, by the
/// times that [`acquire`](Self::acquire) returns. Shared by reference or in an `Arc`; there is no
/// task or thread behind it.
#[derive(Debug)]
pub struct RateLimiter {
    max_requests: usize,
    time_window: Duration,
    /// The times of the last grants, oldest first, at most `max_requests` of them.
    ///
    /// An async lock, because it is held across an `.await`: whoever sleeps until the next grant
    /// holds it, and everybody else queues for it. Tokio's lock serves its queue strictly first in,
    /// first out, and that is the whole order of this limiter: no list of waiters, and one sleeper
    /// at a time.
    grants: Mutex<VecDeque<Instant>>,
}

/// Why there can be no such limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// With no requests allowed, `acquire` would wait for ever.
    #[error("a limit of zero requests would never let one through")]
    NoRequests,
    /// In no time there is no rate.
    #[error("a window of zero length limits nothing")]
    NoWindow,
    /// The clock cannot count that far.
    #[error("a window of {0:?} is longer than the clock can count")]
    WindowTooLong(Duration),
}

impl RateLimiter {
    /// A limiter that has granted nothing yet.
    ///
    /// # Errors
    /// Zero of either, and a window that overflows the clock.
    pub fn new(max_requests: usize, time_window: Duration) -> Result<Self, LimitError> {
        if max_requests == 0 {
            return Err(LimitError::NoRequests);
        }
        if time_window.is_zero() {
            return Err(LimitError::NoWindow);
        }
        // A century on top: the addition in `acquire` must hold while the program runs.
        let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        if time_window.checked_add(century).and_then(|d| Instant::now().checked_add(d)).is_none() {
            return Err(LimitError::WindowTooLong(time_window));
        }
        Ok(Self { max_requests, time_window, grants: Mutex::new(VecDeque::new()) })
    }

    /// Waits for its turn and returns the time of the grant.
    ///
    /// Callers are served strictly in the order in which they first polled. Dropping the future
    /// before it is done gives its place in the queue to the next and costs nobody anything:
    /// nothing is written down before the last `.await`.
    pub async fn acquire(&self) -> Instant {
        // Dropped here: the lock takes us out of its queue.
        let mut grants = self.grants.lock().await;
        if grants.len() == self.max_requests {
            // Dropped here: the lock is released, and the next in the queue sleeps in our stead.
            sleep_until(grants[0] + self.time_window).await;
            grants.pop_front();
        }
        // The time *now*, not that of our arrival: after a wait the difference is a whole window,
        // and a limiter that wrote down the earlier time would let the next in too soon.
        let granted = Instant::now();
        grants.push_back(granted);
        granted
    }
}
