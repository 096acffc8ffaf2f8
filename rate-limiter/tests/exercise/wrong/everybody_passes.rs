//! Lets everybody through at once.

use std::time::Duration;
use tokio::time::Instant;

pub struct RateLimiter;

impl RateLimiter {
    pub fn new(_: usize, _: Duration) -> Self {
        Self
    }

    pub async fn acquire(&self) -> Instant {
        Instant::now()
    }
}
