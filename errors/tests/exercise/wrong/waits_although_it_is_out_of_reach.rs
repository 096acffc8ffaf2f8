//! Notices only at the end that the quorum is out of reach.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::failure::{Failure, Service};

/// Calls `operation` until it succeeds, or fails permanently, or has been called `attempts` times.
pub async fn retry<T, F>(
    attempts: u32,
    mut pause: Duration,
    operation: impl Fn() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut attempt = 1;
    loop {
        match operation().await {
            Err(Failure::Transient(_)) if attempt < attempts => {}
            ended => return ended,
        }
        sleep(pause).await;
        pause *= 2;
        attempt += 1;
    }
}

/// Calls `operation` until it succeeds, or fails permanently, or the time is up.
pub async fn retry_until<T, F>(
    time: Duration,
    pause: Duration,
    operation: impl Fn() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    // The time limits the whole loop. When it is up, the loop is dropped, wherever it is.
    let attempts = async {
        loop {
            match operation().await {
                Err(Failure::Transient(_)) => sleep(pause).await,
                ended => return ended,
            }
        }
    };
    timeout(time, attempts).await.unwrap_or(Err(Failure::TimedOut))
}

/// Runs `work` in a task. If it panics, returns the panic's message.
pub async fn contained<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    // Dropping the set aborts the task.
    let mut task = JoinSet::new();
    task.spawn(work);
    let Some(ended) = task.join_next().await else { return Err("there is no task".into()) };
    ended.map_err(|error| match error.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "a panic".into())
        }
        Err(error) => error.to_string(),
    })
}

/// Asks all services at once. Returns the first `n` answers, or the failures so far as soon as `n`
/// answers are no longer possible.
pub async fn quorum(n: usize, services: Vec<Service>) -> Result<Vec<u32>, Vec<String>> {
    // Dropping the stream at the end drops the requests that are still under way.
    let mut requests: FuturesUnordered<_> = services.into_iter().collect();
    let (mut answers, mut failures) = (Vec::new(), Vec::new());
    while answers.len() < n {
        match requests.next().await {
            Some(Ok(answer)) => answers.push(answer),
            Some(Err(failure)) => failures.push(failure),
            None => return Err(failures),
        }
    }
    Ok(answers)
}
