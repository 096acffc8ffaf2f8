//! A worker: the loop that takes jobs from the queue and runs them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::task::coop::consume_budget;

use crate::queue::Queue;

/// Runs jobs until the queue is closed and empty. A worker without a job sleeps until the queue
/// wakes it; it never polls the queue on a timer.
pub(crate) async fn work(end: WorkerEnd) {
    while let Some(job) = end.0.take().await {
        // `job` catches its own panics. But if the handle was dropped, the job's result is dropped
        // here, and its destructor may panic. Even that must not end the worker.
        let _ = AssertUnwindSafe(job).catch_unwind().await;
        // If every job finishes without waiting, this loop never yields. Spending one unit of
        // Tokio's cooperative budget per job makes the worker yield now and then, so that other
        // tasks can use the thread.
        consume_budget().await;
    }
}

/// A worker's end of the queue. A worker can end early, because it was aborted or because its
/// runtime shut down. In that case, there may be no worker left to take the queued jobs, so
/// dropping this value drops them. Callers that wait for their results then get an error instead
/// of waiting forever.
pub(crate) struct WorkerEnd(pub(crate) Arc<Queue>);

impl Drop for WorkerEnd {
    fn drop(&mut self) {
        self.0.clear();
    }
}
