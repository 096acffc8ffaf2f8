//! Applies the checks of the exercise to the pool of this lesson, and to the pool as people usually
//! write it.

use crate::checks::{Handle, Pool, steps};
use crate::naive_pool::NaivePool;
use worker_pool::WorkerPool;

impl Pool for WorkerPool {
    fn new(num_workers: usize) -> Self {
        Self::new(num_workers).expect("at least one worker")
    }

    async fn submit(&self, job: impl Future<Output = u32> + Send + 'static) -> Handle {
        let handle = self.submit(job).await;
        Box::pin(async { handle.map_err(|e| e.to_string())?.await.map_err(|e| e.to_string()) })
    }

    async fn stop(&self) {
        self.stop().await;
    }
}

impl Pool for NaivePool {
    fn new(num_workers: usize) -> Self {
        Self::new(num_workers)
    }

    async fn submit(&self, job: impl Future<Output = u32> + Send + 'static) -> Handle {
        self.submit(async move { _ = job.await });
        Box::pin(async { Err("this pool returns no results".into()) })
    }

    async fn stop(&self) {
        self.join().await;
    }
}

#[test]
fn the_pool_of_this_lesson_passes_all_steps_of_the_exercise() {
    for step in steps::<WorkerPool>() {
        assert_eq!((step.check)(), Ok(()), "{}", step.does);
    }
}

#[test]
fn the_naive_pool_returns_no_results_and_accepts_any_number_of_jobs() {
    let passes = steps::<NaivePool>().map(|step| (step.check)().is_ok());
    assert_eq!(passes[..4], [false, false, false, false]);
}
