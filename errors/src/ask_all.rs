//! Asks many services: the counterpart of `asyncio.wait` with its `return_when`, and of a
//! `TaskGroup` that keeps every result.

use std::collections::HashMap;

use tokio::task::JoinSet;

use crate::error::ServiceError;

/// The rule for when [`ask_all`] stops, like the `return_when` argument of `asyncio.wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Wait for all checks, so that every failure is reported.
    AllEnded,
    /// Stop at the first failure (*fail fast*). Use this if the answers are useless unless you get
    /// all of them.
    FirstFailure,
    /// Stop at the first answer. Use this if one answer is enough.
    FirstAnswer,
}

impl Until {
    /// Returns whether `ask_all` stops at this result.
    fn is_decided_by<T>(self, result: &Result<T, ServiceError>) -> bool {
        match self {
            Self::AllEnded => false,
            Self::FirstFailure => result.is_err(),
            Self::FirstAnswer => result.is_ok(),
        }
    }
}

/// Runs all checks concurrently, each in its own task, until the rule `until` says to stop. Returns
/// one result for each check, in the order of the checks.
///
/// If checks are still running when the rule says to stop, `ask_all` aborts them, and their result
/// is [`ServiceError::Cancelled`]. When `ask_all` returns, all checks have been dropped and their
/// sockets are closed. If a check panics, its result is [`ServiceError::Panicked`].
///
/// Dropping the future aborts all checks, which then stop a moment later.
///
/// # Example
/// ```
/// use errors::{ServiceError, Until, ask_all};
///
/// async fn check(number: u32) -> Result<u32, ServiceError> {
///     if number == 2 { Err(ServiceError::ClosedEarly(0)) } else { Ok(number) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let results = ask_all([check(1), check(2), check(3)], Until::AllEnded).await;
/// assert!(matches!(results[..], [Ok(1), Err(ServiceError::ClosedEarly(0)), Ok(3)]));
/// # }
/// ```
pub async fn ask_all<T, F>(
    checks: impl IntoIterator<Item = F>,
    until: Until,
) -> Vec<Result<T, ServiceError>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ServiceError>> + Send + 'static,
{
    // Dropping this future drops the `JoinSet`, which then aborts its tasks. Tasks started with
    // `tokio::spawn` would keep running.
    let mut tasks = JoinSet::new();
    let mut positions = HashMap::new();
    for (position, check) in checks.into_iter().enumerate() {
        let id = tasks.spawn(check).id();
        positions.insert(id, position);
    }

    let mut results: Vec<_> = positions.iter().map(|_| Err(ServiceError::Cancelled)).collect();
    let mut is_decided = false;
    // `abort_all` only asks the tasks to stop. So the loop continues until it has joined all of
    // them. Only then have the tasks stopped and dropped what they owned.
    while let Some(ended) = tasks.join_next_with_id().await {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(error.into())),
        };
        if is_decided && until == Until::FirstAnswer {
            continue; // another check answered first, and only the first answer counts
        }
        if until.is_decided_by(&result) {
            is_decided = true;
            tasks.abort_all();
        }
        results[positions[&id]] = result;
    }
    results
}
