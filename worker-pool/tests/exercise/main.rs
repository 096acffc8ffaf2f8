//! Checks your pool in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise worker-pool`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;

use std::process::ExitCode;

use checks::{Handle, Pool};
use exercise::WorkerPool;

impl Pool for WorkerPool {
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

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "worker-pool",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<WorkerPool>(),
    })
}
