//! A permit comes back one window after it was taken, from a task.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

pub struct RateLimiter {
    window: Duration,
    permits: Arc<Semaphore>,
}

impl RateLimiter {
    pub fn new(max: usize, window: Duration) -> Self {
        Self { window, permits: Arc::new(Semaphore::new(max)) }
    }

    pub async fn acquire(&self) -> Instant {
        self.permits.acquire().await.unwrap().forget();
        let (now, permits) = (Instant::now(), Arc::clone(&self.permits));
        let back = now + self.window;
        tokio::spawn(async move {
            sleep_until(back).await;
            permits.add_permits(1);
        });
        now
    }
}
