//! Asks twice: if an answer is slow, a hedged request makes a second attempt, and waits for both.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select_ok;
use tokio::time::sleep;

use crate::error::ServiceError;

/// Calls `ask`, and calls it a second time if no answer has arrived after `delay`. Returns the
/// first good answer, and drops the other attempt.
///
/// A hedge helps against answers that are slow by chance, at the cost of a few more requests.
/// `ask` must be safe to repeat, such as a read. (Source: "The Tail at Scale", Dean and Barroso,
/// CACM 2013, which calls this a hedged request.)
///
/// Dropping the future drops both attempts.
///
/// # Errors
/// Returns the error of the first attempt if it fails before the second one has started. If both
/// attempts fail after that, returns the error of the one that failed last.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use errors::{ServiceError, hedged};
/// use tokio::time::sleep;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let mut attempts = 0;
/// let answer = hedged(Duration::from_millis(50), || {
///     attempts += 1;
///     let seconds = if attempts == 1 { 60 } else { 1 };
///     async move {
///         sleep(Duration::from_secs(seconds)).await;
///         Ok::<_, ServiceError>(format!("after {seconds} s"))
///     }
/// });
/// assert_eq!(answer.await.unwrap(), "after 1 s");
/// # }
/// ```
pub async fn hedged<T, F>(delay: Duration, mut ask: impl FnMut() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    // We await the first attempt here, and again below if it is slow. Awaiting the future by value
    // would consume it. `pin!` makes sure that the future does not move, so that we can await it
    // through `&mut`.
    let mut first = pin!(ask());
    tokio::select! {
        result = &mut first => return result,
        () = sleep(delay) => {}
    }
    let second = pin!(ask());
    let (answer, _other) = select_ok([first, second]).await?;
    Ok(answer)
}
