//! A task gives all permits back at the end of each window.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

pub struct RateLimiter {
    max: usize,
    window: Duration,
    permits: Arc<Semaphore>,
    started: std::sync::Once,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(max));
        Self { max, window, permits, started: std::sync::Once::new() }
    }

    pub async fn acquire(&self) -> Instant {
        self.started.call_once(|| {
            let (permits, max, window) = (Arc::downgrade(&self.permits), self.max, self.window);
            tokio::spawn(async move {
                loop {
                    sleep(window).await;
                    let Some(permits) = permits.upgrade() else { return };
                    permits.add_permits(max - permits.available_permits());
                }
            });
        });
        self.permits.acquire().await.unwrap().forget();
        Instant::now()
    }
}
