//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p worker-pool --test gallery`
#![allow(clippy::unwrap_used, reason = "these are solutions of an exercise")]

mod checks;
mod right;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../solution.rs"]
mod solution;
mod wrong;

use std::process::ExitCode;

use checks::{Handle, Pool, steps};
use runner::Picture;

/// Lists the solutions, each with the step that must fail, or `None` for a correct solution.
macro_rules! pictures {
    ($($path:path, $name:ident => $caught:expr,)*) => {
        $(const _: () = {
            use $path as solution;

            impl Pool for solution::WorkerPool {
                fn new(num_workers: usize) -> Self {
                    Self::new(num_workers)
                }

                async fn submit(&self, job: impl Future<Output = u32> + Send + 'static) -> Handle {
                    Box::pin(self.submit(job).await.result())
                }

                async fn stop(&self) {
                    self.stop().await;
                }
            }
        };)*

        const PICTURES: &[Picture] = &[$(Picture {
            name: stringify!($name),
            caught: $caught,
            steps: {
                use $path as solution;
                &steps::<solution::WorkerPool>()
            },
        },)*];
    };
}

pictures! {
    crate::solution, our_solution => None,
    crate::right::a_shared_receiver, a_shared_receiver => None,
    crate::right::two_semaphores, two_semaphores => None,
    crate::wrong::a_blocking_queue, a_blocking_queue => Some(1),
    crate::wrong::asks_all_the_time, asks_all_the_time => Some(2),
    crate::wrong::results_in_the_wrong_hands, results_in_the_wrong_hands => Some(1),
    crate::wrong::a_lock_held_while_the_job_runs, a_lock_held_while_the_job_runs => Some(2),
    crate::wrong::a_single_worker, a_single_worker => Some(2),
    crate::wrong::a_task_for_each_job, a_task_for_each_job => Some(2),
    crate::wrong::four_workers, four_workers => Some(2),
    crate::wrong::looks_every_ten_milliseconds, looks_every_ten_milliseconds => Some(2),
    crate::wrong::submit_runs_the_job, submit_runs_the_job => Some(2),
    crate::wrong::the_last_job_first, the_last_job_first => Some(2),
    crate::wrong::a_panic_kills_its_worker, a_panic_kills_its_worker => Some(3),
    crate::wrong::only_messages_without_arguments, only_messages_without_arguments => Some(3),
    crate::wrong::the_message_of_a_panic_is_lost, the_message_of_a_panic_is_lost => Some(3),
    crate::wrong::a_permit_in_submit, a_permit_in_submit => Some(4),
    crate::wrong::a_queue_without_a_bound, a_queue_without_a_bound => Some(4),
    crate::wrong::jobs_after_stop_are_lost, jobs_after_stop_are_lost => Some(5),
    crate::wrong::stop_aborts_the_jobs, stop_aborts_the_jobs => Some(5),
    crate::wrong::stop_does_not_close_the_queue, stop_does_not_close_the_queue => Some(5),
    crate::wrong::stop_does_not_wait, stop_does_not_wait => Some(5),
    crate::wrong::a_dropped_handle_is_a_panic, a_dropped_handle_is_a_panic => Some(6),
    crate::wrong::a_dropped_handle_stops_the_job, a_dropped_handle_stops_the_job => Some(6),
    crate::wrong::stop_once_only, stop_once_only => Some(6),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[PICTURES])
}
