//! Applies the checks of the exercise to our solution, and to the limiter as people usually write
//! it.

use std::time::Duration;

use crate::checks::{self, Limiter, promises};
use crate::naive_limiter::NaiveLimiter;
use rate_limiter::RateLimiter;
use tokio::time::Instant;

impl Limiter for RateLimiter {
    fn new(max_requests: usize, time_window: Duration) -> Self {
        Self::new(max_requests, time_window).expect("valid arguments")
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
fn the_naive_limiter_breaks_two_of_the_four_promises() {
    use crate::checks::*;
    assert!(never_more_than_the_limit_in_any_window::<NaiveLimiter>().is_err());
    // All waiting callers pass at the same moment, whether or not an earlier one has given up.
    assert!(a_caller_that_gives_up_delays_no_other::<NaiveLimiter>().is_err());
    assert_eq!(no_caller_waits_longer_than_necessary::<NaiveLimiter>(), Ok(()));
    assert_eq!(first_come_first_served::<NaiveLimiter>(), Ok(()));
}
