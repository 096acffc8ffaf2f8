//! The limiter as people usually write it, for `--naive` and for the tests that show its faults.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A limiter that keeps a list of times. A caller that finds the list full sleeps once, does not
/// check the list again, and records the time from before its sleep. The caller also holds no lock
/// while it sleeps. Because of the stale time, even a single caller in a loop exceeds the limit.
#[derive(Debug)]
pub struct NaiveLimiter {
    max_requests: usize,
    time_window: Duration,
    times: Mutex<Vec<Instant>>,
}

impl NaiveLimiter {
    /// Creates a limiter that has not granted anything yet.
    pub fn new(max_requests: usize, time_window: Duration) -> Self {
        Self { max_requests, time_window, times: Mutex::default() }
    }

    /// Waits (though not long enough), and returns the time at which the caller may go ahead.
    pub async fn acquire(&self) -> Instant {
        let now = Instant::now();
        if let Some(wait) = self.wait(now) {
            sleep(wait).await;
        }
        self.times.lock().unwrap_or_else(PoisonError::into_inner).push(now);
        Instant::now()
    }

    fn wait(&self, now: Instant) -> Option<Duration> {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|time| now - *time < self.time_window);
        (times.len() >= self.max_requests).then(|| self.time_window - (now - times[0]))
    }
}
