//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p errors --test gallery`

mod checks;
mod failure;
mod right;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../solution.rs"]
mod solution;
mod wrong;

use std::process::ExitCode;
use std::time::Duration;

use checks::{Errors, steps};
use failure::{Failure, Service};
use runner::Picture;

/// Lists the solutions, each with the step that must fail, or `None` for a correct solution.
macro_rules! pictures {
    ($($path:path, $name:ident => $caught:expr,)*) => {
        const PICTURES: &[Picture] = &[$(Picture {
            name: stringify!($name),
            caught: $caught,
            steps: {
                use $path as solution;

                struct This;

                impl Errors for This {
                    fn retry<F: Future<Output = Result<u32, Failure>> + Send>(
                        attempts: u32,
                        pause: Duration,
                        operation: impl Fn() -> F + Send + Sync,
                    ) -> impl Future<Output = Result<u32, Failure>> + Send {
                        solution::retry(attempts, pause, operation)
                    }

                    fn retry_until<F: Future<Output = Result<u32, Failure>> + Send>(
                        time: Duration,
                        pause: Duration,
                        operation: impl Fn() -> F + Send + Sync,
                    ) -> impl Future<Output = Result<u32, Failure>> + Send {
                        solution::retry_until(time, pause, operation)
                    }

                    fn contained(
                        work: impl Future<Output = u32> + Send + 'static,
                    ) -> impl Future<Output = Result<u32, String>> + Send {
                        solution::contained(work)
                    }

                    fn quorum(
                        n: usize,
                        services: Vec<Service>,
                    ) -> impl Future<Output = Result<Vec<u32>, Vec<String>>> + Send {
                        solution::quorum(n, services)
                    }
                }

                &steps::<This>()
            },
        },)*];
    };
}

pictures! {
    crate::solution, our_solution => None,
    crate::right::a_join_set_of_services, a_join_set_of_services => None,
    crate::right::a_recursive_select, a_recursive_select => None,
    crate::wrong::a_pause_first, a_pause_first => Some(1),
    crate::wrong::no_pause, no_pause => Some(1),
    crate::wrong::the_same_pause, the_same_pause => Some(1),
    crate::wrong::tries_once, tries_once => Some(1),
    crate::wrong::a_pause_at_the_end, a_pause_at_the_end => Some(2),
    crate::wrong::an_invented_failure, an_invented_failure => Some(2),
    crate::wrong::one_attempt_too_many, one_attempt_too_many => Some(2),
    crate::wrong::retries_everything, retries_everything => Some(2),
    crate::wrong::a_limit_for_each_attempt, a_limit_for_each_attempt => Some(3),
    crate::wrong::looks_at_the_clock_between_attempts, looks_at_the_clock_between_attempts => Some(3),
    crate::wrong::the_deadline_ends_nothing, the_deadline_ends_nothing => Some(3),
    crate::wrong::the_last_failure_at_the_deadline, the_last_failure_at_the_deadline => Some(3),
    crate::wrong::a_task_that_outlives_its_caller, a_task_that_outlives_its_caller => Some(4),
    crate::wrong::nothing_is_contained, nothing_is_contained => Some(4),
    crate::wrong::only_messages_without_arguments, only_messages_without_arguments => Some(4),
    crate::wrong::the_message_of_a_panic_is_lost, the_message_of_a_panic_is_lost => Some(4),
    crate::wrong::answers_in_the_order_of_the_services, answers_in_the_order_of_the_services => Some(5),
    crate::wrong::one_service_at_a_time, one_service_at_a_time => Some(5),
    crate::wrong::tasks_that_go_on, tasks_that_go_on => Some(5),
    crate::wrong::the_first_failure_ends_all, the_first_failure_ends_all => Some(5),
    crate::wrong::waits_for_all, waits_for_all => Some(5),
    crate::wrong::no_quorum_of_zero, no_quorum_of_zero => Some(6),
    crate::wrong::one_failure_too_many, one_failure_too_many => Some(6),
    crate::wrong::waits_although_it_is_out_of_reach, waits_although_it_is_out_of_reach => Some(6),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[PICTURES])
}
