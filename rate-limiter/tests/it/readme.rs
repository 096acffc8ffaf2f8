//! Compiles the code in the README.
#![allow(dead_code, reason = "this code only has to compile")]

use rate_limiter::Grant;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

struct Limiter {
    turn: Mutex<()>,
}

impl Limiter {
    async fn the_heart_of_acquire(&self) -> Grant {
        let _turn = self.turn.lock().await;
        loop {
            match self.take(Instant::now()) {
                Ok(grant) => return grant,
                Err(free_at) => sleep_until(free_at).await,
            }
        }
    }

    fn take(&self, _now: Instant) -> Result<Grant, Instant> {
        unimplemented!("see src/window.rs")
    }
}
