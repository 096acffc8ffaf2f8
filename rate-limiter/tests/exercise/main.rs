//! Checks your limiter in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise rate-limiter`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;

use std::process::ExitCode;
use std::time::Duration;

use checks::Limiter;
use exercise::RateLimiter;
use tokio::time::Instant;

impl Limiter for RateLimiter {
    fn new(max_requests: usize, time_window: Duration) -> Self {
        Self::new(max_requests, time_window)
    }

    fn acquire(&self) -> impl Future<Output = Instant> + Send {
        self.acquire()
    }
}

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "rate-limiter",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<RateLimiter>(),
    })
}
