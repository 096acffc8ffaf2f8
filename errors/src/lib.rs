//! Services that fail, each in its own way: the Rust counterpart of `try` and `except` around an
//! `await`.
//!
//! The risky operation is [`greeting`], which connects to a TCP service and reads its greeting
//! line. Every way to fail is a variant of [`ServiceError`], so a caller can catch exactly the
//! variants that it can handle. The other functions deal with failures. [`retry()`] asks again,
//! [`ask_all()`] asks many services and decides when to stop, and [`hedged`] asks a second time if
//! the answer is slow. [`greetings`] combines `retry` and `ask_all`.
//!
//! Two more modules show what else a request needs: [`context`] passes values along with a task,
//! and [`deadline`] limits how long several steps may take.
//!
//! Run with: `cargo run -p errors`

mod ask_all;
mod connect;
pub mod context;
pub mod deadline;
mod error;
mod greeting;
mod hedge;
mod retry;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

pub use ask_all::{Until, ask_all};
pub use connect::connect;
pub use error::{Phase, ServiceError};
pub use greeting::{MAX_GREETING, greeting};
pub use hedge::hedged;
pub use retry::{FIRST_PAUSE, LONGEST_PAUSE, RetryPolicy, retry};

/// The maximum number of requests that [`greetings`] keeps in flight at the same time. Each request
/// needs a socket, and the operating system limits how many sockets a process may have. If we ran
/// into that limit, it would look as if the services were down.
pub const MAX_IN_FLIGHT: usize = 64;

/// Asks every service for its [`greeting`]. Uses [`retry()`] for each service, and [`ask_all()`] to
/// run all of these requests concurrently. Returns one result for each address, in the order of the
/// addresses.
///
/// At most [`MAX_IN_FLIGHT`] requests run at the same time. Time spent waiting for a permit counts
/// against the policy's deadline, but not against the timeout of an attempt.
///
/// Dropping the future aborts all requests, which then stop a moment later.
///
/// # Example
/// ```no_run
/// use std::time::Duration;
/// use errors::{RetryPolicy, Until, greetings};
///
/// # async fn example() {
/// let services = ["localhost:22".to_owned(), "localhost:25".to_owned()];
/// let policy = RetryPolicy { retries: 2, ..RetryPolicy::once(Duration::from_secs(3)) };
/// for result in greetings(&services, policy, Until::AllEnded).await {
///     println!("{result:?}");
/// }
/// # }
/// ```
pub async fn greetings(
    addresses: &[String],
    policy: RetryPolicy,
    until: Until,
) -> Vec<Result<String, ServiceError>> {
    probe_all(Probe::Greeting, addresses, policy, until).await
}

/// The condition under which a service counts as up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The service sends a greeting.
    Greeting,
    /// The service accepts a connection. The result is then an empty greeting.
    Connect,
}

/// Does the same as [`greetings`], but for any [`Probe`]. With [`Probe::Connect`], a service does
/// not have to send a greeting. Many services, such as HTTP servers, wait for the client to send
/// something first.
///
/// Dropping the future aborts all requests, which then stop a moment later.
pub async fn probe_all(
    probe: Probe,
    addresses: &[String],
    policy: RetryPolicy,
    until: Until,
) -> Vec<Result<String, ServiceError>> {
    let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    // Each check becomes a task, and a task has to own what it uses. So each check gets a copy of
    // its address and its own `Arc` of the semaphore.
    let checks = addresses.iter().map(|address| {
        Check { address: address.clone(), probe, policy, permits: Arc::clone(&permits) }.run()
    });
    ask_all(checks, until).await
}

/// The work that [`greetings`] and [`probe_all`] do for one service.
struct Check {
    address: String,
    probe: Probe,
    policy: RetryPolicy,
    permits: Arc<Semaphore>,
}

impl Check {
    /// Makes as many attempts as the policy allows.
    async fn run(self) -> Result<String, ServiceError> {
        let mut number = 0;
        retry(self.policy, || {
            number += 1;
            self.attempt(number)
        })
        .await
    }

    /// Waits for a permit, makes one attempt, and logs its result.
    async fn attempt(&self, number: u32) -> Result<String, ServiceError> {
        // The permit is given back when `_permit` is dropped, that is, at the end of the attempt or
        // when the attempt is cancelled.
        let queued = Instant::now();
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let now = Instant::now();
        let answer = if self.policy.is_over(now) && !self.policy.is_over(queued) {
            // The deadline passed while we waited for the permit. This failure says nothing about
            // the service.
            Err(ServiceError::TimedOut { phase: Phase::Queued, after: now - queued })
        } else {
            let time = self.policy.time_for_attempt(now);
            match self.probe {
                Probe::Greeting => greeting(&self.address, time).await,
                Probe::Connect => connect(&self.address, time).await.map(|_| String::new()),
            }
        };
        debug!(service = self.address, attempt = number, ?answer);
        answer
    }
}
