//! Refills a bucket steadily. A full bucket and its refill together exceed the limit.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

pub struct RateLimiter {
    max: usize,
    per_token: Duration,
    state: Mutex<Option<(Instant, f64)>>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, per_token: window / max as u32, state: Mutex::new(None) }
    }

    pub async fn acquire(&self) -> Instant {
        let mut state = self.state.lock().await;
        let max = self.max as f64;
        let (last, tokens) = state.unwrap_or((Instant::now(), max));
        let refill = last.elapsed().as_secs_f64() / self.per_token.as_secs_f64();
        let mut tokens = (tokens + refill).min(max);
        if tokens < 1.0 {
            sleep(self.per_token.mul_f64(1.0 - tokens)).await;
            tokens = 1.0;
        }
        *state = Some((Instant::now(), tokens - 1.0));
        Instant::now()
    }
}
