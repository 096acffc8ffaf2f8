//! Applies the checks of the exercise to your solution in `exercise.rs`.
//!
//! Run with: `cargo test -p rate-limiter --test exercise`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;

use std::time::Duration;

use checks::{Limiter, promises};
use exercise::RateLimiter;
use tokio::time::Instant;

impl Limiter for RateLimiter {
    fn new(max_requests: usize, time_window: Duration) -> Self {
        Self::new(max_requests, time_window)
    }

    async fn acquire(&self) -> Instant {
        self.acquire().await
    }
}

promises!(RateLimiter);
