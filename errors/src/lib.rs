//! Services that fail, each in its own way: what `try`/`except` around an `await` becomes.
//!
//! The risky operation is [`greeting`]: connect to a TCP service and read the line it greets with.
//! Every kind of failure is a variant of one error type, so that a caller can catch just the kinds it
//! has an answer to, and the compiler knows them all. Here stands what is made of such a result:
//! [`retry`] asks again, [`ask_all`] asks many and says when it is enough, [`hedged`] asks twice.
//!
//! Run with: `cargo run -p errors`

mod error;
mod greeting;
mod patience;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::future::select_ok;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::debug;

pub use error::{Phase, ServiceError};
pub use greeting::{MAX_GREETING, greeting};
pub use patience::{FIRST_PAUSE, LONGEST_PAUSE, Patience};

/// Tries until it succeeds, the failure is one that will not pass, or patience is at an end; returns
/// the last result. Dropping the future drops the attempt under way, or ends the pause.
///
/// # Errors
/// That of the last attempt.
pub async fn retry<T, F>(patience: Patience, attempt: impl FnMut() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    let mut random = patience.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
    let backoff = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(patience.retries);
    attempt
        .retry(backoff.build())
        .sleep(sleep)
        .when(|error| patience.covers(error))
        .adjust(|_, backoff| patience.pause(backoff?, random.f64(), Instant::now()))
        .await
}

/// When [`ask_all`] has seen enough: `return_when` of `asyncio.wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All have ended: every failure is reported.
    AllEnded,
    /// One has failed (fail fast): without it the others are of no use.
    FirstFailure,
    /// One has answered: any will do.
    FirstAnswer,
}

/// Runs all checks side by side, each in a task of its own, until there is enough, and returns one
/// result for each, in their order. The rest is cancelled by then, and its sockets are closed. A panic
/// is one more failure, and no end of its caller. Dropping the future aborts all tasks.
pub async fn ask_all<T, F>(
    checks: impl IntoIterator<Item = F>,
    until: Until,
) -> Vec<Result<T, ServiceError>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ServiceError>> + Send + 'static,
{
    // A plain `tokio::spawn` would go on after its handle is dropped. A set aborts.
    let mut tasks = JoinSet::new();
    let mut places = HashMap::new();
    for (place, check) in checks.into_iter().enumerate() {
        places.insert(tasks.spawn(check).id(), place);
    }
    let mut results: Vec<_> = places.iter().map(|_| Err(ServiceError::Cancelled)).collect();
    let mut is_enough = false;
    // Also after `abort_all`: a task is over when it has been joined, and not before.
    while let Some(ended) = tasks.join_next_with_id().await {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(error.into())),
        };
        if is_enough && until == Until::FirstAnswer {
            continue; // one is enough: whoever comes too late has lost
        }
        is_enough |= match until {
            Until::AllEnded => false,
            Until::FirstFailure => result.is_err(),
            Until::FirstAnswer => result.is_ok(),
        };
        results[places[&id]] = result;
        if is_enough {
            tasks.abort_all();
        }
    }
    results
}

/// How many services [`greetings`] asks at a time: each takes a socket, and a process has only so
/// many. Without a bound, our own want of sockets would look like services that are down.
pub const AT_ONCE: usize = 64;

/// The [`greeting`] of each service, with [`retry`] and [`ask_all`], at most [`AT_ONCE`] at a time.
/// Waiting for one's turn takes nothing off the time of an attempt, but does off the deadline.
pub async fn greetings(
    addresses: &[String],
    patience: Patience,
    until: Until,
) -> Vec<Result<String, ServiceError>> {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let check = |address: &String| {
        let (address, slots) = (address.clone(), Arc::clone(&slots));
        let attempt = async move |number: u32| {
            let _slot = slots.acquire().await.expect("the semaphore is never closed");
            let answer = match patience.time_for_one(Instant::now()) {
                // The deadline has passed meanwhile: nothing is to be said of the service.
                after @ Duration::ZERO => {
                    Err(ServiceError::TimedOut { phase: Phase::Queued, after })
                }
                time => greeting(&address, time).await,
            };
            debug!(service = address, attempt = number, ?answer);
            answer
        };
        async move {
            let mut number = 0;
            retry(patience, || {
                number += 1;
                attempt(number)
            })
            .await
        }
    };
    ask_all(addresses.iter().map(check), until).await
}

/// Asks, and asks a second time when there is no answer after `patience`: the first good answer counts,
/// and the other attempt is dropped. It cuts off what is slow by chance, for little more work.
/// (Source: "The Tail at Scale", Dean and Barroso, CACM 2013, where it is called a hedged request.)
/// Only for what may be done twice. Dropping the future drops both.
///
/// # Errors
/// That of the first attempt, where it fails before the second has begun; else that of whichever fails
/// last.
pub async fn hedged<T, F>(patience: Duration, ask: impl Fn() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    let mut first = pin!(ask());
    tokio::select! {
        result = &mut first => return result,
        () = sleep(patience) => {}
    }
    select_ok([first, pin!(ask())]).await.map(|(answer, _)| answer)
}
