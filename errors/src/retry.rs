//! How long to go on: rules without any I/O.

use std::time::Duration;

use tokio::time::Instant;

use crate::ServiceError;

/// How hard to try for one answer.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The time for one attempt.
    pub timeout: Duration,
    /// How often to try again, at most.
    pub retries: usize,
    /// When to be through with all attempts and the pauses between them.
    pub deadline: Option<Instant>,
    /// Where the randomness of pauses starts, for tests that want the same ones again.
    pub seed: Option<u64>,
}

impl Patience {
    /// One attempt.
    pub fn once(timeout: Duration) -> Self {
        Self { timeout, retries: 0, deadline: None, seed: None }
    }

    /// Attempts for so long from now, for a service that is about to start.
    pub fn waiting(wait: Duration, timeout: Duration) -> Self {
        let now = Instant::now();
        // Further than a clock can count is as good as a century.
        let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        let deadline = now.checked_add(wait).unwrap_or(now + century);
        Self { timeout, retries: usize::MAX, deadline: Some(deadline), seed: None }
    }

    /// The time that an attempt may take which starts now.
    pub fn time_for_one(&self, now: Instant) -> Duration {
        let rest = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        rest.map_or(self.timeout, |rest| rest.min(self.timeout))
    }

    /// Whether to try again after such a failure. Who waits for a service to start also waits for its
    /// name, which may come into being with it.
    pub fn covers(&self, error: &ServiceError) -> bool {
        error.may_pass()
            || self.deadline.is_some() && matches!(error, ServiceError::NameNotFound(_))
    }

    /// A random part of the back-off (`random` is from 0 to 1), if there is time for it. That all of
    /// the pause is left to chance is called full jitter: clients that failed together do not come
    /// back together. (Source: "Exponential Backoff And Jitter", Marc Brooker, AWS Architecture Blog,
    /// 2015.)
    pub fn pause(&self, backoff: Duration, random: f64, now: Instant) -> Option<Duration> {
        let pause = backoff.mul_f64(random);
        let is_in_time = self.deadline.is_none_or(|deadline| now + pause < deadline);
        is_in_time.then_some(pause)
    }
}

/// The first pause is up to this, the next up to twice as much, and so on to [`LONGEST_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause between two attempts is longer.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
