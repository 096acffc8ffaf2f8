//! Your worker pool. `cargo test -p worker-pool --test exercise` shows what is still missing.
//!
//! Each hint gives away more than the previous one:
//!
//! 1. A worker is a task with a loop: it takes a job from a queue, and awaits it. How does the
//!    worker learn that there will be no more jobs?
//! 2. Jobs are futures of many types. Is there one type for all of them?
//! 3. The worker has a result, and another task waits for it. How does the result get to that
//!    task? Tokio has a channel for exactly one value.
//! 4. A panic unwinds through the task that polls the job. `futures_util::FutureExt::catch_unwind`
//!    stops it.
//! 5. `async_channel::bounded` is a queue for many workers, and it makes senders wait when it is
//!    full. You can use it here, because the crate is a dev-dependency. Our solution has its own
//!    queue instead, in `src/queue.rs`. Together with `src/lib.rs` and `src/job.rs`, that file
//!    shows one way to write the pool.
#![allow(dead_code, unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::marker::PhantomData;

/// Runs jobs on a fixed number of workers, which take them from one bounded queue.
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

    /// Waits for room in the queue, adds the job to it, and returns the handle to its result.
    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        todo!("add the job to the queue, and decide where its result goes")
    }

    /// Stops accepting jobs, and waits until the accepted ones have ended.
    pub async fn stop(&self) {
        todo!("close the queue, and wait for the workers")
    }
}

impl<T> JobHandle<T> {
    /// Waits for the job. Returns its result, or a text that says what happened instead.
    pub async fn result(self) -> Result<T, String> {
        todo!("wait for the result")
    }
}
