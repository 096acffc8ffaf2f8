//! Applies the checks of the exercise to your solution in `exercise.rs`.
//!
//! Run with: `cargo test -p worker-pool --test exercise`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;

use checks::{Handle, Pool, promises};
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

promises!(WorkerPool);
