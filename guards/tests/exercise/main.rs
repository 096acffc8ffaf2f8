//! Checks your functions in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise guards`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use checks::Guards;

struct Yours;

impl Guards for Yours {
    fn with_folder<T: Send, F: Future<Output = T> + Send>(
        body: impl FnOnce(PathBuf) -> F + Send,
    ) -> impl Future<Output = io::Result<T>> + Send {
        exercise::with_folder(body)
    }

    fn finished() -> impl Future<Output = ()> + Send {
        exercise::finished()
    }
}

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "guards",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<Yours>(),
    })
}
