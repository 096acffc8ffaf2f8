//! Your limiter. `cargo test -p rate-limiter --test exercise` shows what is still missing.
//!
//! Each hint gives away more than the previous one:
//!
//! 1. Keep the times of the last grants. If there are `max_requests` of them, when may the
//!    limiter give the next grant?
//! 2. What may you record before you wait, and what may you record only afterwards? Think of a
//!    caller that is dropped while it waits.
//! 3. The waiting callers need an order. Which of Tokio's locks serves its waiters first in, first
//!    out, and may be held across an `.await`?
//! 4. The caller that holds that lock sleeps until the oldest grant is one window old. Then it
//!    reads the clock again. `src/lib.rs` shows one way to write the limiter.
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
