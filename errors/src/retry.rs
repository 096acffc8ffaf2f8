//! Retries: which failures are worth another attempt, how long to pause, and when to stop.
//!
//! The rules are methods of [`RetryPolicy`]. They are pure functions: they receive the time and the
//! random number as arguments. [`retry`] applies them.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use tokio::time::{Instant, sleep};

use crate::error::ServiceError;

/// The first pause is at most this long. The bound doubles with each pause until it reaches
/// [`LONGEST_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause between two attempts is longer than this.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl ServiceError {
    /// Returns whether the failure is transient: the same request may succeed a moment later.
    ///
    /// ```
    /// use errors::ServiceError;
    ///
    /// assert!(ServiceError::ClosedEarly(0).is_transient());
    /// assert!(!ServiceError::Garbage("not UTF-8").is_transient());
    /// ```
    pub fn is_transient(&self) -> bool {
        match self {
            Self::CannotConnect(_) | Self::TimedOut { .. } => true,
            Self::ClosedEarly(_) | Self::Broken(_) => true,
            Self::BadAddress | Self::NameNotFound(_) | Self::Garbage(_) => false,
            Self::Panicked(_) | Self::Cancelled => false,
        }
    }
}

/// The rules for retries: how many attempts to make for one answer, and how much time to spend on
/// them.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The time limit for one attempt.
    pub timeout: Duration,
    /// The maximum number of attempts after the first one.
    pub retries: usize,
    /// The time at which retrying ends. An attempt that is in progress then is the last one. If we
    /// are pausing, one last attempt starts at the deadline.
    pub deadline: Option<Instant>,
    /// The seed for the random pauses. Tests set it to get the same pauses every time.
    pub seed: Option<u64>,
}

impl RetryPolicy {
    /// Allows a single attempt.
    ///
    /// ```
    /// use std::time::Duration;
    /// use errors::RetryPolicy;
    ///
    /// let once = RetryPolicy::once(Duration::from_secs(2));
    /// let up_to_four_times = RetryPolicy { retries: 3, ..once };
    /// # assert_eq!((once.retries, up_to_four_times.retries), (0, 3));
    /// ```
    pub fn once(timeout: Duration) -> Self {
        Self { timeout, retries: 0, deadline: None, seed: None }
    }

    /// Allows any number of attempts until the time `wait` has passed. If it passes during a pause,
    /// one last attempt follows. Use this policy for a service that is still starting.
    pub fn waiting(wait: Duration, timeout: Duration) -> Self {
        let now = Instant::now();
        // If the wait is too long for the clock to represent, we use a century instead.
        let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        let deadline = now.checked_add(wait).unwrap_or(now + century);
        Self { timeout, retries: usize::MAX, deadline: Some(deadline), seed: None }
    }

    /// Returns the time limit for an attempt that starts now: `timeout`, or less if the deadline
    /// comes sooner. An attempt that starts at the deadline or later gets the whole `timeout`.
    pub fn time_for_attempt(&self, now: Instant) -> Duration {
        match self.deadline {
            Some(deadline) if now < deadline => (deadline - now).min(self.timeout),
            _ => self.timeout,
        }
    }

    /// Returns whether the deadline has passed, so that an attempt that starts now is the last one.
    pub fn is_over(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Returns whether to try again after this failure, if retries and time are left. A caller that
    /// waits for a service to start also waits for the service's name to be found, because some
    /// services don't register their name until they have started.
    pub fn should_retry(&self, error: &ServiceError) -> bool {
        let is_waiting = self.deadline.is_some();
        error.is_transient() || is_waiting && matches!(error, ServiceError::NameNotFound(_))
    }

    /// Returns the pause before the next attempt: the fraction `random` (from 0 to 1) of `backoff`.
    /// A pause ends at the deadline at the latest, and one last attempt follows it. If the deadline
    /// has passed, returns `None`.
    ///
    /// Choosing the pause at random between zero and the bound is called *full jitter*. It keeps
    /// clients that failed at the same moment from retrying at the same moment. (Source:
    /// "Exponential Backoff And Jitter", Marc Brooker, AWS Architecture Blog, 2015.)
    pub fn pause(&self, backoff: Duration, random: f64, now: Instant) -> Option<Duration> {
        let pause = backoff.mul_f64(random);
        match self.deadline {
            Some(deadline) => (now < deadline).then(|| pause.min(deadline - now)),
            None => Some(pause),
        }
    }
}

/// Calls `attempt` until it succeeds or the policy says to stop, and returns the last result.
///
/// `retry` limits the number of attempts and the pauses between them. `attempt` itself has to
/// limit how long it takes; [`RetryPolicy::time_for_attempt`] returns that limit.
///
/// Dropping the future drops the attempt in progress, and no other attempt follows.
///
/// # Errors
/// Returns the error of the last attempt.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use errors::{RetryPolicy, ServiceError, retry};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let policy = RetryPolicy { retries: 5, ..RetryPolicy::once(Duration::from_secs(2)) };
/// let mut attempts = 0;
/// let answer = retry(policy, || {
///     attempts += 1;
///     let result = if attempts < 3 { Err(ServiceError::ClosedEarly(0)) } else { Ok("hello") };
///     async move { result }
/// });
/// assert_eq!(answer.await.unwrap(), "hello");
/// assert_eq!(attempts, 3);
/// # }
/// ```
pub async fn retry<T, F>(policy: RetryPolicy, attempt: impl FnMut() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    let mut random = match policy.seed {
        Some(seed) => fastrand::Rng::with_seed(seed),
        None => fastrand::Rng::new(),
    };
    let backoff = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(policy.retries);
    attempt
        .retry(backoff.build())
        .sleep(sleep)
        .when(|error| policy.should_retry(error))
        // `backon` passes in the bound of the next pause, or `None` if no retries are left. We
        // return the pause, or `None` to stop.
        .adjust(|_, bound| policy.pause(bound?, random.f64(), Instant::now()))
        .await
}
