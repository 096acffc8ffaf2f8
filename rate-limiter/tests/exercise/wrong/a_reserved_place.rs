//! Reserves a time in advance. A caller that gives up leaves a hole.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
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
        let at = {
            let mut grants = self.grants.lock().unwrap();
            let mut at = Instant::now();
            if grants.len() == self.max {
                at = at.max(grants[0] + self.window);
                grants.pop_front();
            }
            grants.push_back(at);
            at
        };
        if at > Instant::now() {
            sleep_until(at).await;
        }
        Instant::now()
    }
}
