//! The failures and services of the exercise.

use std::pin::Pin;

/// Why an operation has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The same operation may succeed a moment later.
    Transient(String),
    /// It makes no sense to try again.
    Permanent(String),
    /// The time was up.
    TimedOut,
}

/// A request to a service, which has not been polled yet.
pub type Service = Pin<Box<dyn Future<Output = Result<u32, String>> + Send>>;
