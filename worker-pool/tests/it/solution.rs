//! Applies the checks of the exercise to our solution, and to the pool as people usually write it.

use crate::checks::{self, Handle, Pool, promises};
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

promises!(WorkerPool);

#[test]
fn the_naive_pool_breaks_three_of_the_five_promises() {
    use crate::checks::*;
    assert!(every_handle_returns_the_result_of_its_job::<NaivePool>().is_err());
    assert!(a_panic_is_an_error_only_for_its_own_job::<NaivePool>().is_err());
    assert!(a_caller_that_submits_faster_than_the_workers_run_has_to_wait::<NaivePool>().is_err());
    assert_eq!(stop_waits_for_the_accepted_jobs::<NaivePool>(), Ok(()));
}
