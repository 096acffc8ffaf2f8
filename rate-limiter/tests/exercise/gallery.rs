//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p rate-limiter --test gallery`
#![allow(clippy::unwrap_used, reason = "these are solutions of an exercise")]

mod checks;
mod right;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../solution.rs"]
mod solution;
mod wrong;

use std::process::ExitCode;
use std::time::Duration;

use checks::{Limiter, steps};
use runner::Picture;
use tokio::time::Instant;

/// Lists the solutions, each with the step that must fail, or `None` for a correct solution.
macro_rules! pictures {
    ($($module:ident::$name:ident => $caught:expr,)*) => {
        $(impl Limiter for $module::$name::RateLimiter {
            fn new(max_requests: usize, time_window: Duration) -> Self {
                Self::new(max_requests, time_window)
            }

            fn acquire(&self) -> impl Future<Output = Instant> + Send {
                self.acquire()
            }
        })*

        const PICTURES: &[Picture] = &[$(Picture {
            name: stringify!($name),
            caught: $caught,
            steps: &steps::<$module::$name::RateLimiter>(),
        },)*];
    };
}

impl Limiter for solution::RateLimiter {
    fn new(max_requests: usize, time_window: Duration) -> Self {
        Self::new(max_requests, time_window)
    }

    fn acquire(&self) -> impl Future<Output = Instant> + Send {
        self.acquire()
    }
}

const OURS: Picture =
    Picture { name: "our solution", caught: None, steps: &steps::<solution::RateLimiter>() };

pictures! {
    right::a_semaphore_and_tasks => None,
    right::an_actor => None,
    wrong::even_spacing => Some(1),
    wrong::everybody_passes => Some(2),
    wrong::a_list_and_one_sleep => Some(2),
    wrong::blocks_the_thread => Some(2),
    wrong::looks_every_ten_milliseconds => Some(6),
    wrong::nobody_gives_the_permit_back => Some(2),
    wrong::spins => Some(2),
    wrong::the_planned_time => Some(2),
    wrong::a_task_that_resets_the_counter => Some(3),
    wrong::a_token_bucket => Some(2),
    wrong::a_window_that_begins_when_the_last_one_is_over => Some(3),
    wrong::windows_from_the_first_call => Some(3),
    wrong::a_stack_of_callers => Some(4),
    wrong::no_queue => Some(4),
    wrong::a_reserved_place => Some(5),
    wrong::forgets_before_it_waits => Some(5),
    wrong::looks_every_millisecond => Some(6),
    wrong::remembers_everything => Some(6),
    wrong::wakes_everybody => Some(6),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[&[OURS], PICTURES])
}
