//! Our solution of the exercise. The limiter in `src/lib.rs` does more: it lets a caller take several
//! permits at once, can be asked without waiting, and stores its grants in less memory.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets at most `max_requests` callers through in any `time_window`, first come, first served.
pub struct RateLimiter {
    max_requests: usize,
    time_window: Duration,
    /// The times of the last grants, at most `max_requests` of them. Whoever holds this lock is the
    /// next to pass. The others queue for the lock, in the order in which they came.
    grants: Mutex<VecDeque<Instant>>,
}

impl RateLimiter {
    /// Creates a limiter that has let nothing through yet. Neither argument is zero.
    pub fn new(max_requests: usize, time_window: Duration) -> Self {
        Self { max_requests, time_window, grants: Mutex::default() }
    }

    /// Waits until the caller may go ahead, and returns the time at which the wait ended. If a
    /// caller is dropped while it waits, that does not delay any other caller.
    pub async fn acquire(&self) -> Instant {
        let mut grants = self.grants.lock().await;
        if grants.len() == self.max_requests {
            sleep_until(grants[0] + self.time_window).await;
            // Until here, nothing has changed. So a caller that is dropped while it sleeps costs
            // the others nothing.
            grants.pop_front();
        }
        let now = Instant::now();
        grants.push_back(now);
        now
    }
}
