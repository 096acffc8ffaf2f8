//! `rate-limiter` on smol.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol::Timer;
use smol::future::FutureExt;
use smol::lock::Mutex;

use super::{Answer, Input, cost_nothing, too_soon};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

// step: the times of the last grants, behind an async lock
struct RateLimiter {
    limit: usize,
    window: Duration,
    // This lock is fair only in the long run: a new caller may get it before the first caller in
    // the queue.
    grants: Mutex<VecDeque<Instant>>,
}

impl RateLimiter {
    fn new(limit: usize, window: Duration) -> Self {
        Self { limit, window, grants: Mutex::default() }
    }

    // step: wait until the oldest grant is a window old
    async fn acquire(&self) -> Instant {
        let _span = span("acquire");
        let mut grants = self.grants.lock().await;
        if grants.len() == self.limit {
            Timer::at(grants[0] + self.window).await;
            grants.pop_front();
        }
        let granted = Instant::now();
        grants.push_back(granted);
        granted
    }
}

async fn lesson(input: Input) -> Answer {
    let window = Duration::from_millis(input.window_ms);

    // step: many concurrent callers
    let limiter = Arc::new(RateLimiter::new(input.limit, window));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..input.requests {
        let limiter = Arc::clone(&limiter);
        tasks.push(smol::spawn(async move { limiter.acquire().await }));
    }
    let mut grants = Vec::new();
    for task in tasks {
        grants.push(task.await - start);
    }

    // step: callers that give up while they wait
    let limiter = Arc::new(RateLimiter::new(1, window));
    let first = limiter.acquire().await;
    let mut tasks = Vec::new();
    for _ in 0..input.dropped {
        let limiter = Arc::clone(&limiter);
        tasks.push(smol::spawn(async move {
            let acquire = async { Some(limiter.acquire().await) };
            let timer = async {
                Timer::after(window / 2).await;
                None
            };
            acquire.or(timer).await
        }));
    }
    for task in tasks {
        let _given_up = task.await;
    }
    let waited = limiter.acquire().await - first;

    Answer {
        granted: grants.len(),
        too_soon: too_soon(grants, input.limit, window),
        dropped_cost_nothing: cost_nothing(waited, input.dropped, window),
    }
}
