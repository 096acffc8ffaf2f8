//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p hello --test gallery`

mod checks;
mod right;
mod runner;
#[path = "../../solution.rs"]
mod solution;
mod wrong;

use std::process::ExitCode;
use std::time::Duration;

use checks::{Hello, steps};
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

                impl Hello for This {
                    fn countdown(
                        start: u32,
                        period: Duration,
                        tell: impl Fn(u32) + Send + Sync,
                    ) -> impl Future<Output = ()> + Send {
                        solution::countdown(start, period, tell)
                    }

                    fn together(
                        starts: [u32; 3],
                        period: Duration,
                        tell: impl Fn(u32) + Send + Sync,
                    ) -> impl Future<Output = ()> + Send {
                        solution::together(starts, period, tell)
                    }

                    fn in_tasks<F: Future<Output = String> + Send + 'static>(
                        names: Vec<String>,
                        work: fn(String) -> F,
                    ) -> impl Future<Output = Vec<String>> + Send {
                        solution::in_tasks(names, work)
                    }

                    fn ticks_during(work: fn(), period: Duration) -> impl Future<Output = u32> + Send {
                        solution::ticks_during(work, period)
                    }

                    fn third_poll() -> impl Future<Output = u32> + Send {
                        solution::ThirdPoll::default()
                    }
                }

                &steps::<This>()
            },
        },)*];
    };
}

pictures! {
    crate::solution, our_solution => None,
    crate::right::a_join_set_and_places, a_join_set_and_places => None,
    crate::right::a_thread_and_a_channel, a_thread_and_a_channel => None,
    crate::wrong::a_sleep_without_await, a_sleep_without_await => Some(1),
    crate::wrong::a_thread_that_sleeps, a_thread_that_sleeps => Some(1),
    crate::wrong::counts_up, counts_up => Some(1),
    crate::wrong::tells_before_it_waits, tells_before_it_waits => Some(1),
    crate::wrong::the_first_ends_all, the_first_ends_all => Some(2),
    crate::wrong::three_awaits_in_a_row, three_awaits_in_a_row => Some(2),
    crate::wrong::no_tasks, no_tasks => Some(3),
    crate::wrong::one_task_at_a_time, one_task_at_a_time => Some(3),
    crate::wrong::one_task_for_all, one_task_for_all => Some(3),
    crate::wrong::results_as_they_come, results_as_they_come => Some(3),
    crate::wrong::blocks_in_place, blocks_in_place => Some(4),
    crate::wrong::the_call_starts_again, the_call_starts_again => Some(4),
    crate::wrong::ticks_first_and_works_later, ticks_first_and_works_later => Some(4),
    crate::wrong::a_poll_that_never_ends, a_poll_that_never_ends => Some(5),
    crate::wrong::nobody_calls_the_waker, nobody_calls_the_waker => Some(5),
    crate::wrong::polls_itself, polls_itself => Some(5),
    crate::wrong::ready_at_the_second_poll, ready_at_the_second_poll => Some(5),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[PICTURES])
}
