//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p fetch --test gallery`
#![allow(clippy::unwrap_used, reason = "these are solutions of an exercise")]

mod checks;
#[path = "server.rs"]
mod exercise_server;
mod right;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../solution.rs"]
mod solution;
mod wrong;

use std::process::ExitCode;

use checks::{Fetch, Page, steps};
use futures_util::stream::BoxStream;
use reqwest::Client;
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

                impl Fetch for This {
                    fn fetch_page(client: &Client, url: &str) -> impl Future<Output = Page> + Send {
                        solution::fetch_page(client, url)
                    }

                    fn fetch_first(
                        client: &Client,
                        urls: &[String],
                    ) -> impl Future<Output = Result<Vec<u8>, Vec<String>>> + Send {
                        solution::fetch_first(client, urls)
                    }

                    fn fetch_all(client: &Client, urls: Vec<String>, concurrency: usize) -> BoxStream<'static, Page> {
                        solution::fetch_all(client, urls, concurrency)
                    }
                }

                &steps::<This>()
            },
        },)*];
    };
}

pictures! {
    crate::solution, our_solution => None,
    crate::right::a_join_set, a_join_set => None,
    crate::right::tasks_with_handles_that_abort, tasks_with_handles_that_abort => None,
    crate::wrong::a_broken_page_is_empty, a_broken_page_is_empty => Some(1),
    crate::wrong::a_failure_is_a_panic, a_failure_is_a_panic => Some(1),
    crate::wrong::an_error_page_is_a_page, an_error_page_is_a_page => Some(1),
    crate::wrong::only_the_first_piece, only_the_first_piece => Some(1),
    crate::wrong::one_after_another, one_after_another => Some(2),
    crate::wrong::the_first_head_wins, the_first_head_wins => Some(2),
    crate::wrong::waits_for_all, waits_for_all => Some(2),
    crate::wrong::no_urls_are_a_panic, no_urls_are_a_panic => Some(3),
    crate::wrong::no_urls_no_reason, no_urls_no_reason => Some(3),
    crate::wrong::only_the_last_failure, only_the_last_failure => Some(3),
    crate::wrong::the_first_result_wins, the_first_result_wins => Some(3),
    crate::wrong::losers_that_go_on, losers_that_go_on => Some(4),
    crate::wrong::failures_are_left_out, failures_are_left_out => Some(5),
    crate::wrong::results_as_they_come, results_as_they_come => Some(5),
    crate::wrong::the_first_failure_ends_the_stream, the_first_failure_ends_the_stream => Some(5),
    crate::wrong::a_limit_of_three, a_limit_of_three => Some(6),
    crate::wrong::all_at_once, all_at_once => Some(6),
    crate::wrong::one_at_a_time, one_at_a_time => Some(6),
    crate::wrong::tasks_that_outlive_the_stream, tasks_that_outlive_the_stream => Some(6),
    crate::wrong::tasks_that_start_too_early, tasks_that_start_too_early => Some(6),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[PICTURES])
}
