//! Looks at the list, sleeps once, and then passes without looking again, as many Python solutions do.

use std::sync::Mutex;
use std::time::Duration;
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
        let wait = {
            let mut grants = self.grants.lock().unwrap();
            grants.retain(|grant| grant.elapsed() < self.window);
            (grants.len() >= self.max).then(|| grants[0] + self.window)
        };
        if let Some(wait) = wait {
            sleep_until(wait).await;
        }
        let now = Instant::now();
        self.grants.lock().unwrap().push(now);
        now
    }
}
