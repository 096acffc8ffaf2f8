//! Limits how long an attempt may take.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{FetchError, Phase};

/// When an attempt is given up.
pub(crate) struct Deadline {
    /// A time that the clock cannot represent never comes.
    end: Option<Instant>,
    /// How long to wait for the next bytes.
    pub(crate) patience: Duration,
}

impl Deadline {
    pub(crate) fn new(timeout: Duration, patience: Duration) -> Self {
        Self { end: Instant::now().checked_add(timeout), patience }
    }

    /// Runs a future until the deadline. Dropping the future drops the inner one.
    pub(crate) async fn limit<T>(&self, future: impl Future<Output = T>) -> Result<T, FetchError> {
        match self.end {
            Some(deadline) => {
                timeout_at(deadline, future).await.map_err(|_| FetchError::TimedOut(Phase::Whole))
            }
            None => Ok(future.await),
        }
    }

    /// Waits for something that is not the server's fault, and moves the deadline by that time.
    pub(crate) async fn pause(&mut self, future: impl Future<Output = ()>) {
        let start = Instant::now();
        future.await;
        self.end = self.end.and_then(|deadline| deadline.checked_add(start.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_do_not_count() {
        const SECOND: Duration = Duration::from_secs(1);
        let start = Instant::now();
        let mut deadline = Deadline::new(10 * SECOND, SECOND);
        deadline.limit(sleep(9 * SECOND)).await.unwrap();
        deadline.pause(sleep(100 * SECOND)).await;
        deadline.limit(pending::<()>()).await.unwrap_err();
        assert_eq!(start.elapsed(), 110 * SECOND);
        Deadline::new(Duration::MAX, SECOND).limit(sleep(SECOND)).await.unwrap();
    }
}
