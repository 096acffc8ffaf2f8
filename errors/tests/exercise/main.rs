//! Checks your functions in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise errors`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
mod failure;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;

use std::process::ExitCode;
use std::time::Duration;

use checks::Errors;
use failure::{Failure, Service};

struct Yours;

impl Errors for Yours {
    fn retry<F: Future<Output = Result<u32, Failure>> + Send>(
        attempts: u32,
        pause: Duration,
        operation: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<u32, Failure>> + Send {
        exercise::retry(attempts, pause, operation)
    }

    fn retry_until<F: Future<Output = Result<u32, Failure>> + Send>(
        time: Duration,
        pause: Duration,
        operation: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<u32, Failure>> + Send {
        exercise::retry_until(time, pause, operation)
    }

    fn contained(
        work: impl Future<Output = u32> + Send + 'static,
    ) -> impl Future<Output = Result<u32, String>> + Send {
        exercise::contained(work)
    }

    fn quorum(
        n: usize,
        services: Vec<Service>,
    ) -> impl Future<Output = Result<Vec<u32>, Vec<String>>> + Send {
        exercise::quorum(n, services)
    }
}

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "errors",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<Yours>(),
    })
}
