//! Never forgets a grant.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct RateLimiter {
    max: usize,
    window: Duration,
    grants: Mutex<Vec<Instant>>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, grants: Mutex::default() }
    }

    pub async fn acquire(&self) -> Instant {
        let mut grants = self.grants.lock().await;
        if grants.len() >= self.max {
            let before = grants[grants.len() - self.max];
            sleep_until(before + self.window).await;
        }
        let now = Instant::now();
        grants.push(now);
        now
    }
}
