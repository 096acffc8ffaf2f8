//! Counts callers in windows that follow each other, beginning with the first call.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct RateLimiter {
    max: usize,
    window: Duration,
    state: Mutex<(Option<Instant>, usize)>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, state: Mutex::new((None, 0)) }
    }

    pub async fn acquire(&self) -> Instant {
        let mut state = self.state.lock().await;
        let mut begin = *state.0.get_or_insert_with(Instant::now);
        while Instant::now() >= begin + self.window {
            begin += self.window;
            *state = (Some(begin), 0);
        }
        if state.1 == self.max {
            sleep_until(begin + self.window).await;
            *state = (Some(begin + self.window), 0);
        }
        state.1 += 1;
        Instant::now()
    }
}
