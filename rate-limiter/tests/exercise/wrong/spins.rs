//! Asks again and again, with `yield_now` in between.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::Instant;

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
        while grants.len() == self.max {
            if grants[0].elapsed() >= self.window {
                grants.pop_front();
            }
            yield_now().await;
        }
        let now = Instant::now();
        grants.push_back(now);
        now
    }
}
