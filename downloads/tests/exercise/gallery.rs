//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p downloads --test gallery`
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

use std::path::PathBuf;
use std::process::ExitCode;

use checks::{Downloader, steps};
use reqwest::Client;
use runner::Picture;

/// Lists the solutions, each with the step that must fail, or `None` for a correct solution.
macro_rules! pictures {
    ($($path:path, $name:ident => $caught:expr,)*) => {
        const PICTURES: &[Picture] = &[$(Picture {
            name: stringify!($name),
            caught: $caught,
            steps: {
                struct This;

                impl Downloader for This {
                    fn download_all(
                        client: &Client,
                        files: &[(String, PathBuf)],
                        concurrency: usize,
                    ) -> impl Future<Output = Vec<Result<u64, String>>> + Send {
                        use $path as solution;
                        solution::download_all(client, files, concurrency)
                    }
                }

                &steps::<This>()
            },
        },)*];
    };
}

pictures! {
    crate::solution, our_solution => None,
    crate::right::a_buffered_stream, a_buffered_stream => None,
    crate::right::tasks_and_threads, tasks_and_threads => None,
    crate::wrong::only_the_first_piece, only_the_first_piece => Some(1),
    crate::wrong::the_length_from_the_header, the_length_from_the_header => Some(1),
    crate::wrong::one_name_for_all_parts, one_name_for_all_parts => Some(2),
    crate::wrong::results_as_they_arrive, results_as_they_arrive => Some(2),
    crate::wrong::a_limit_of_three, a_limit_of_three => Some(3),
    crate::wrong::a_permit_dropped_at_once, a_permit_dropped_at_once => Some(3),
    crate::wrong::a_permit_for_the_headers, a_permit_for_the_headers => Some(3),
    crate::wrong::groups_of_three, groups_of_three => Some(3),
    crate::wrong::no_limit, no_limit => Some(3),
    crate::wrong::one_after_another, one_after_another => Some(3),
    crate::wrong::a_broken_transfer_is_complete, a_broken_transfer_is_complete => Some(4),
    crate::wrong::a_failure_is_a_panic, a_failure_is_a_panic => Some(4),
    crate::wrong::an_error_page_is_saved, an_error_page_is_saved => Some(4),
    crate::wrong::the_first_failure_ends_all, the_first_failure_ends_all => Some(4),
    crate::wrong::everything_in_memory, everything_in_memory => Some(5),
    crate::wrong::straight_to_the_name, straight_to_the_name => Some(5),
    crate::wrong::the_extension_replaced, the_extension_replaced => Some(5),
    crate::wrong::the_old_file_first, the_old_file_first => Some(5),
    crate::wrong::no_flush, no_flush => Some(6),
    crate::wrong::removed_after_an_error_only, removed_after_an_error_only => Some(6),
    crate::wrong::sync_all_instead_of_flush, sync_all_instead_of_flush => Some(6),
    crate::wrong::the_part_stays, the_part_stays => Some(6),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[PICTURES])
}
