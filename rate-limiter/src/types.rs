//! The types that `acquire` returns: a grant, or the reason for a refusal.

use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// Permission to go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The time of the grant, which `acquire` reads after its last `.await`.
    pub at: Instant,
    /// The number of requests that were granted before this one.
    pub sequence: u64,
}

/// The reason why a limiter cannot be created, or why a request can never be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// The limit is zero, so `acquire` would wait forever.
    #[error("the limit must be at least 1: a limit of zero requests would let nothing through")]
    NoRequests,
    /// The window has zero length, so it would limit nothing.
    #[error("the window must be longer than zero: a window of zero length limits nothing")]
    NoWindow,
    /// The window is so long that the clock cannot represent its end.
    #[error("a window of {0:?} is too long: the clock cannot represent its end")]
    WindowTooLong(Duration),
    /// The caller asked for more requests in one call than the limit allows in a window.
    #[error("one call may ask for at most {limit} requests, but this one asked for {asked}")]
    TooMany {
        /// The number of requests that the caller asked for.
        asked: usize,
        /// The limit.
        limit: usize,
    },
}
