//! Spaces all callers evenly, so that even the first ones have to wait.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct RateLimiter {
    gap: Duration,
    next: Mutex<Option<Instant>>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { gap: window / max as u32, next: Mutex::new(None) }
    }

    pub async fn acquire(&self) -> Instant {
        let mut next = self.next.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        let now = Instant::now();
        *next = Some(now + self.gap);
        now
    }
}
