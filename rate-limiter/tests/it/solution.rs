//! The checks of the exercise, held against our solution and against the limiter as it is usually
//! written.

use std::time::Duration;

use crate::checks::{self, Limiter, promises};
use crate::naive_limiter::NaiveLimiter;
use rate_limiter::RateLimiter;
use tokio::time::Instant;

impl Limiter for RateLimiter {
    fn new(max_requests: usize, time_window: Duration) -> Self {
        Self::new(max_requests, time_window).expect("a limit and a window")
    }

    async fn acquire(&self) -> Instant {
        self.acquire().await.at
    }
}

impl Limiter for NaiveLimiter {
    fn new(max_requests: usize, time_window: Duration) -> Self {
        Self::new(max_requests, time_window)
    }

    async fn acquire(&self) -> Instant {
        self.acquire().await
    }
}

promises!(RateLimiter);

#[test]
fn the_usual_limiter_breaks_the_promise_it_is_there_for() {
    use crate::checks::*;
    assert!(never_more_than_the_limit_in_any_window::<NaiveLimiter>().is_err());
    // And those who wait all come at once, whoever has given up before them.
    assert!(a_caller_that_gives_up_costs_nobody_anything::<NaiveLimiter>().is_err());
    assert_eq!(nobody_waits_longer_than_needed::<NaiveLimiter>(), Ok(()));
    assert_eq!(first_come_first_served::<NaiveLimiter>(), Ok(()));
}
