//! Returns the time at which the caller should have passed.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct RateLimiter {
    max: usize,
    window: Duration,
    grants: Mutex<VecDeque<Instant>>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, grants: Mutex::default() }
    }

    pub async fn acquire(&self) -> Instant {
        let mut grants = self.grants.lock().await;
        let mut at = Instant::now();
        if grants.len() == self.max {
            at = at.max(grants[0] + self.window);
            sleep_until(at).await;
            grants.pop_front();
        }
        grants.push_back(at);
        at
    }
}
