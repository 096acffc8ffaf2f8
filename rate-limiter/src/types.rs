//! The types that `acquire` returns: a grant, or the reason for a refusal.

use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// Permission to go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// When the grant was given: the time inside `acquire` after its last `.await`.
    pub at: Instant,
    /// How many requests were granted before this one.
    pub sequence: u64,
}

/// Says why a limiter cannot be created, or why a request can never be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// With a limit of zero, `acquire` would wait forever.
    #[error("the limit must be at least 1: a limit of zero requests would let nothing through")]
    NoRequests,
    /// A window of zero length limits nothing.
    #[error("the window must be longer than zero: a window of zero length limits nothing")]
    NoWindow,
    /// The clock cannot represent a time that far in the future.
    #[error("a window of {0:?} is longer than the clock can count")]
    WindowTooLong(Duration),
    /// The caller asked for more requests in one call than a window may hold.
    #[error("{asked} requests in one call never fit into a limit of {limit}")]
    TooMany {
        /// The number of requests asked for.
        asked: usize,
        /// The limit.
        limit: usize,
    },
}
