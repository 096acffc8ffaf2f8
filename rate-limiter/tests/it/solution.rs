//! Applies the checks of the exercise to the limiter of this lesson, and to the limiter as people
//! usually write it.

use std::time::Duration;

use crate::checks::{Limiter, steps};
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

#[test]
fn the_limiter_of_this_lesson_passes_all_steps_of_the_exercise() {
    for step in steps::<RateLimiter>() {
        assert_eq!((step.check)(), Ok(()), "{}", step.does);
    }
}

#[test]
fn the_naive_limiter_lets_too_many_callers_through() {
    let passes = steps::<NaiveLimiter>().map(|step| (step.check)().is_ok());
    assert_eq!(passes[..3], [true, false, false]);
}
