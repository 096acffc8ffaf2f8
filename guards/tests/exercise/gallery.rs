//! Tests the exercise's checks: they must catch each wrong solution, and accept correct solutions in
//! other styles. For each wrong solution, this file names the step that must catch it.
//!
//! Run with: `cargo test -p guards --test gallery`

mod checks;
mod right;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../solution.rs"]
mod solution;
mod wrong;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use checks::{Guards, steps};
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

                impl Guards for This {
                    fn with_folder<T: Send, F: Future<Output = T> + Send>(
                        body: impl FnOnce(PathBuf) -> F + Send,
                    ) -> impl Future<Output = io::Result<T>> + Send {
                        solution::with_folder(body)
                    }

                    fn finished() -> impl Future<Output = ()> + Send {
                        solution::finished()
                    }
                }

                &steps::<This>()
            },
        },)*];
    };
}

pictures! {
    crate::solution, our_solution => None,
    crate::right::a_count_and_a_signal, a_count_and_a_signal => None,
    crate::right::drop_blocks_for_a_moment, drop_blocks_for_a_moment => None,
    crate::wrong::a_folder_that_does_not_exist, a_folder_that_does_not_exist => Some(1),
    crate::wrong::a_folder_with_something_in_it, a_folder_with_something_in_it => Some(1),
    crate::wrong::the_same_folder_for_all, the_same_folder_for_all => Some(1),
    crate::wrong::never_removed, never_removed => Some(2),
    crate::wrong::only_an_empty_folder, only_an_empty_folder => Some(2),
    crate::wrong::removed_a_moment_later, removed_a_moment_later => Some(2),
    crate::wrong::a_panic_becomes_an_error, a_panic_becomes_an_error => Some(3),
    crate::wrong::a_panic_in_the_background, a_panic_in_the_background => Some(3),
    crate::wrong::a_panic_skips_the_removing, a_panic_skips_the_removing => Some(3),
    crate::wrong::another_panic, another_panic => Some(3),
    crate::wrong::nothing_for_a_dropped_caller, nothing_for_a_dropped_caller => Some(4),
    crate::wrong::the_folder_goes_first, the_folder_goes_first => Some(4),
    crate::wrong::a_task_that_nobody_tracks, a_task_that_nobody_tracks => Some(5),
    crate::wrong::finished_does_not_wait, finished_does_not_wait => Some(5),
    crate::wrong::finished_never_returns, finished_never_returns => Some(5),
    crate::wrong::finished_waits_for_a_moment, finished_waits_for_a_moment => Some(5),
    crate::wrong::a_folder_that_is_gone_is_an_error, a_folder_that_is_gone_is_an_error => Some(6),
    crate::wrong::the_error_is_swallowed, the_error_is_swallowed => Some(6),
}

fn main() -> ExitCode {
    runner::gallery(include_str!("../../README.md"), &[PICTURES])
}
