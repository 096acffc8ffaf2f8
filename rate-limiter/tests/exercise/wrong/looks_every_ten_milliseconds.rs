//! Looks again every 10 ms.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

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
        loop {
            while grants.front().is_some_and(|grant| grant.elapsed() >= self.window) {
                grants.pop_front();
            }
            if grants.len() < self.max {
                let now = Instant::now();
                grants.push_back(now);
                return now;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}
