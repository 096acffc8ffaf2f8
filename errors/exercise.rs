//! Your functions for failures. `cargo exercise errors` checks them, step by step.
//!
//! [tests/exercise/failure.rs](tests/exercise/failure.rs) declares `Failure` and `Service`. You need:
//! `tokio::time`, a task, and `futures_util::stream::FuturesUnordered`.
#![allow(dead_code, unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::time::Duration;

use crate::failure::{Failure, Service};

/// Calls `operation` until it succeeds, or fails permanently, or has been called `attempts` times.
/// Pauses after each transient failure: first for `pause`, and then twice as long each time. Returns
/// the first value, or the last failure.
pub async fn retry<T, F>(
    attempts: u32,
    pause: Duration,
    operation: impl Fn() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    todo!("try, and try again")
}

/// Calls `operation` until it succeeds or fails permanently, with a pause after each transient
/// failure. When the time is up, drops the attempt or the pause, and returns `Failure::TimedOut`.
pub async fn retry_until<T, F>(
    time: Duration,
    pause: Duration,
    operation: impl Fn() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    todo!("try until the time is up")
}

/// Runs `work` in a task. If it panics, returns the panic's message. If this future is dropped, the
/// work is dropped, too.
pub async fn contained<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    todo!("run the work in a task")
}

/// Asks all services at once. Returns the first `n` answers in the order in which they came. As soon
/// as `n` answers are no longer possible, returns the failures so far. In both cases, the requests
/// under way are dropped.
pub async fn quorum(n: usize, services: Vec<Service>) -> Result<Vec<u32>, Vec<String>> {
    todo!("ask, and decide when to stop")
}
