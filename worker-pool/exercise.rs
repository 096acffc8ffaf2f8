//! Your worker pool. `cargo test -p worker-pool --test exercise` says what is still missing.
//!
//! Hints, each giving away more than the one before:
//!
//! 1. A worker is a task with a loop: it takes a job from a queue, and awaits it. How does it learn
//!    that there will be no more?
//! 2. Jobs are futures of many types. Which one type can all of them be put in?
//! 3. Where does a result go, when the worker has it and somebody else waits for it? Tokio has a
//!    channel for just one value.
//! 4. A panic unwinds through whoever polls the job. `futures_util::FutureExt::catch_unwind` stops it.
//! 5. `async_channel::bounded` is a queue for many workers that makes senders wait when it is full.
//!    You can use it here: the crate is a dev-dependency. Our solution does without it; it has its own
//!    queue in `src/queue.rs`. Together with `src/lib.rs` and `src/job.rs`, that is one way to write
//!    all of this.
#![allow(dead_code, unused_variables, clippy::todo, reason = "to be filled in")]

use std::marker::PhantomData;

/// Runs jobs on a fixed number of workers, which take them from one bounded queue.
pub struct WorkerPool {
    // What does it have to keep?
}

/// The result of a job to come.
pub struct JobHandle<T> {
    // Where does the result arrive? (Then this marker can go.)
    marker: PhantomData<T>,
}

impl WorkerPool {
    /// Starts the workers.
    pub fn new(num_workers: usize) -> Self {
        todo!("make a queue, and spawn the workers")
    }

    /// Waits for room in the queue, puts the job there, and returns the handle to its result.
    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        todo!("put the job in the queue, with the place where its result goes")
    }

    /// Takes no more jobs, and waits until those accepted are over.
    pub async fn stop(&self) {
        todo!("close the queue, and wait for the workers")
    }
}

impl<T> JobHandle<T> {
    /// Waits for the job: its result, or in words what became of it instead.
    pub async fn result(self) -> Result<T, String> {
        todo!("wait for the result")
    }
}
