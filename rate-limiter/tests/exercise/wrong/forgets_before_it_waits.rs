//! Removes the oldest grant before it sleeps.

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
        if grants.len() == self.max
            && let Some(oldest) = grants.pop_front()
        {
            sleep_until(oldest + self.window).await;
        }
        let now = Instant::now();
        grants.push_back(now);
        now
    }
}
