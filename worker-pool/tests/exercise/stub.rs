//! Your worker pool. `cargo exercise worker-pool` checks it, step by step.
//!
//! You need: tasks, a queue, and a channel for each result.
#![allow(dead_code, unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::marker::PhantomData;

/// Runs jobs on a fixed number of workers, which take them from one bounded queue, first come, first
/// served.
pub struct WorkerPool {
    // What does a pool have to store?
}

/// A handle to a job's result.
pub struct JobHandle<T> {
    // Where does the result arrive? (You can then remove this marker.)
    marker: PhantomData<T>,
}

impl WorkerPool {
    /// Starts the workers.
    pub fn new(num_workers: usize) -> Self {
        todo!("make a queue, and spawn the workers")
    }

    /// Waits for room in the queue, adds the job to it, and returns the handle to its result. The
    /// queue has room for at least one job and for at most a hundred. After `stop`, the job does not
    /// run, and its handle returns an error.
    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        todo!("add the job to the queue, and decide where its result goes")
    }

    /// Stops accepting jobs, and waits until the accepted ones have ended. Can be called again.
    pub async fn stop(&self) {
        todo!("close the queue, and wait for the workers")
    }
}

impl<T> JobHandle<T> {
    /// Waits for the job. Returns its result, or a text that says what happened instead: the message
    /// of its panic, or that it was not accepted. If the handle is dropped, the job runs all the same.
    pub async fn result(self) -> Result<T, String> {
        todo!("wait for the result")
    }
}
