//! Everybody sleeps until there may be room, and then all of them race.

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
        loop {
            let wait = {
                let mut grants = self.grants.lock().unwrap();
                while grants.front().is_some_and(|grant| grant.elapsed() >= self.window) {
                    grants.pop_front();
                }
                if grants.len() < self.max {
                    let now = Instant::now();
                    grants.push_back(now);
                    return now;
                }
                grants[0] + self.window
            };
            sleep_until(wait).await;
        }
    }
}
