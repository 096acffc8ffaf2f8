//! Checks your functions in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise hello`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
mod runner;

use std::process::ExitCode;
use std::time::Duration;

use checks::Hello;

struct Yours;

impl Hello for Yours {
    fn countdown(
        start: u32,
        period: Duration,
        tell: impl Fn(u32) + Send + Sync,
    ) -> impl Future<Output = ()> + Send {
        exercise::countdown(start, period, tell)
    }

    fn together(
        starts: [u32; 3],
        period: Duration,
        tell: impl Fn(u32) + Send + Sync,
    ) -> impl Future<Output = ()> + Send {
        exercise::together(starts, period, tell)
    }

    fn in_tasks<F: Future<Output = String> + Send + 'static>(
        names: Vec<String>,
        work: fn(String) -> F,
    ) -> impl Future<Output = Vec<String>> + Send {
        exercise::in_tasks(names, work)
    }

    fn ticks_during(work: fn(), period: Duration) -> impl Future<Output = u32> + Send {
        exercise::ticks_during(work, period)
    }

    fn third_poll() -> impl Future<Output = u32> + Send {
        exercise::ThirdPoll::default()
    }
}

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "hello",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<Yours>(),
    })
}
