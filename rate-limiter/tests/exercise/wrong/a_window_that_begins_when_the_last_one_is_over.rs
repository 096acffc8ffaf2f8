//! Starts a new window with the first caller after the old one.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct RateLimiter {
    max: usize,
    window: Duration,
    state: Mutex<Option<(Instant, usize)>>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { max, window, state: Mutex::new(None) }
    }

    pub async fn acquire(&self) -> Instant {
        let mut state = self.state.lock().await;
        let (begin, count) = match *state {
            Some((begin, count)) if begin.elapsed() < self.window => (begin, count),
            _ => (Instant::now(), 0),
        };
        if count == self.max {
            sleep_until(begin + self.window).await;
            *state = Some((Instant::now(), 1));
        } else {
            *state = Some((begin, count + 1));
        }
        Instant::now()
    }
}
