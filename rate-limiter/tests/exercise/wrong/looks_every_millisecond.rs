//! Looks again every millisecond, each caller for itself.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub struct RateLimiter {
    max: usize,
    window: Duration,
    grants: Mutex<VecDeque<Instant>>,
    turn: tokio::sync::Mutex<()>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, grants: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    fn pass(&self) -> Option<Instant> {
        let mut grants = self.grants.lock().unwrap();
        while grants.front().is_some_and(|grant| grant.elapsed() >= self.window) {
            grants.pop_front();
        }
        (grants.len() < self.max).then(|| {
            let now = Instant::now();
            grants.push_back(now);
            now
        })
    }

    pub async fn acquire(&self) -> Instant {
        let _turn = self.turn.lock().await;
        loop {
            if let Some(now) = self.pass() {
                return now;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}
