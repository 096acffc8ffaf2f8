//! Your limiter. `cargo exercise rate-limiter` checks it, step by step.
//!
//! You need: a struct with a lock in it, and `tokio::time`.
#![allow(dead_code, unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::time::Duration;

use tokio::time::Instant;

/// Lets at most `max_requests` callers through in any `time_window`, first come, first served.
pub struct RateLimiter {
    // What does a limiter have to remember?
}

impl RateLimiter {
    /// Creates a limiter that has let nothing through yet. Neither argument is zero.
    pub fn new(max_requests: usize, time_window: Duration) -> Self {
        todo!("make an empty limiter")
    }

    /// Waits until the caller may go ahead, and returns the time at which the wait ended. If a
    /// caller is dropped while it waits, that must not delay any other caller.
    pub async fn acquire(&self) -> Instant {
        todo!("wait for your turn, then for room in the window")
    }
}
