//! Your limiter. `cargo test -p rate-limiter --test exercise` says what is still missing.
//!
//! Hints, each giving away more than the one before:
//!
//! 1. Keep the times of the last grants. When may the next one come, if there are `max_requests` of
//!    them?
//! 2. What may you write down before you have waited, and what only after? Think of a caller that is
//!    dropped while it waits.
//! 3. Those who wait need an order. Which lock of Tokio's hands itself on first in, first out, and may
//!    be held across an `.await`?
//! 4. Whoever holds that lock sleeps until the oldest grant is a window ago, and then takes the time
//!    anew. `src/lib.rs` is one way to write it.
#![allow(dead_code, unused_variables, clippy::todo, reason = "to be filled in")]

use std::time::Duration;

use tokio::time::Instant;

/// Lets at most `max_requests` through in any `time_window`, first come first served.
pub struct RateLimiter {
    // What does it have to remember?
}

impl RateLimiter {
    /// A limiter that has let nothing through yet. Neither number is zero.
    pub fn new(max_requests: usize, time_window: Duration) -> Self {
        todo!("make an empty limiter")
    }

    /// Waits until the caller may go ahead, and returns the time at which it may: the time *now*, when
    /// the waiting is over. A caller may be dropped while it waits, and that costs nobody anything.
    pub async fn acquire(&self) -> Instant {
        todo!("wait for your turn, then for a free place in the window")
    }
}
