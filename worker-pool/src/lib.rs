//! N workers on one bounded queue: exercise 3, with a handle for every job.
//!
//! A job is a future. It is wrapped ([`job`]) so that whatever becomes of it, its handle hears of
//! it: its value, its panic, or that it was given up. The workers see nothing but wrapped jobs, and
//! a worker never dies of one. Jobs wait for a worker in `queue.rs`, and what has become of all of
//! them stands in a [`ledger`].
//!
//! Run with: `cargo run -p worker-pool`

mod error;
pub mod job;
pub mod ledger;
mod queue;
mod worker;

/// The lock that guards the queue. `tests/shuttle` compiles the queue with a lock of its own, one
/// that lets another task run each time it is taken.
mod sync {
    pub(crate) use std::sync::{Mutex, MutexGuard};
}

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

pub use error::{PoolError, SubmitError};
pub use job::{JobError, JobHandle, current_worker};
pub use ledger::Stats;
use queue::Queue;
use worker::{WorkerEnd, work};

/// Runs jobs on a fixed number of workers, which take them from one bounded queue in the order
/// submitted.
///
/// Dropping the pool closes its queue and waits for nothing: the jobs accepted still run, for as
/// long as the runtime does. A job must not await its own pool's [`join`](Self::join) or
/// [`stop`](Self::stop): it would wait for itself.
pub struct WorkerPool {
    queue: Arc<Queue>,
    workers: TaskTracker,
    aborts: Vec<AbortHandle>,
}

impl WorkerPool {
    /// Starts a pool whose queue has room for one job per worker.
    ///
    /// # Errors
    /// Zero workers.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn new(num_workers: usize) -> Result<Self, PoolError> {
        Self::with_capacity(num_workers, num_workers)
    }

    /// Starts a pool whose queue has room for `capacity` jobs beside those that run.
    ///
    /// # Errors
    /// Zero of either.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn with_capacity(num_workers: usize, capacity: usize) -> Result<Self, PoolError> {
        if num_workers == 0 {
            return Err(PoolError::NoWorkers);
        }
        if capacity == 0 {
            return Err(PoolError::NoRoom);
        }
        let queue = Arc::new(Queue::new(capacity));
        let workers = TaskTracker::new();
        let start = |number| {
            let worker = work(WorkerEnd(Arc::clone(&queue)));
            workers.spawn(job::as_worker(number, worker)).abort_handle()
        };
        let aborts = (1..=num_workers).map(start).collect();
        Ok(Self { queue, workers, aborts })
    }

    /// Waits for room in the queue, puts the job there, and returns the handle to its result.
    ///
    /// The waiting is back-pressure: who submits faster than the workers work is held back, and the
    /// queue cannot eat the memory. Dropped while it waits, it has submitted nothing.
    ///
    /// # Errors
    /// [`SubmitError::Stopped`].
    pub async fn submit<F>(&self, job: F) -> Result<JobHandle<F::Output>, SubmitError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.queue.put(job.map(Ok)).await
    }

    /// As [`submit`](Self::submit), for a job that is dropped when it has run for `limit`: its handle
    /// then gives [`JobError::TimedOut`]. The time in the queue does not count.
    ///
    /// # Errors
    /// [`SubmitError::Stopped`].
    pub async fn submit_with_timeout<F>(
        &self,
        limit: Duration,
        job: F,
    ) -> Result<JobHandle<F::Output>, SubmitError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let job = async move { timeout(limit, job).await.map_err(|_| JobError::TimedOut) };
        self.queue.put(job).await
    }

    /// Puts the job in the queue if there is room now.
    ///
    /// # Errors
    /// [`SubmitError::Full`] and [`SubmitError::Stopped`].
    pub fn try_submit<F>(&self, job: F) -> Result<JobHandle<F::Output>, SubmitError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.queue.try_put(job.map(Ok))
    }

    /// Runs `make(item)` as a job for every item and returns the results in the order of the items.
    /// What a stopped pool does not take is [`JobError::Cancelled`]. Dropped, it submits no more; the
    /// jobs submitted go on.
    pub async fn map<I, F>(
        &self,
        items: I,
        mut make: impl FnMut(I::Item) -> F,
    ) -> Vec<Result<F::Output, JobError>>
    where
        I: IntoIterator,
        F: Future<Output: Send> + Send + 'static,
    {
        let mut handles = Vec::new();
        for item in items {
            handles.push(self.submit(make(item)).await);
        }
        let mut results = Vec::with_capacity(handles.len());
        for handle in handles {
            results.push(match handle {
                Ok(handle) => handle.await,
                Err(_) => Err(JobError::Cancelled),
            });
        }
        results
    }

    /// Waits until all jobs accepted before this call are over. Those accepted later do not extend
    /// it, and the pool goes on. Dropping the future changes nothing.
    pub async fn join(&self) {
        self.queue.join().await;
    }

    /// Takes no more jobs, and waits until those accepted are over and every worker has ended.
    ///
    /// Safe to call more than once, and from several tasks. Dropped before its end, the pool is
    /// stopped all the same, and another call waits for the rest.
    pub async fn stop(&self) {
        self.queue.close();
        self.workers.close();
        self.workers.wait().await;
    }

    /// Takes no more jobs, cancels those queued and running, and returns when the future of each has
    /// been dropped. A job that blocks its thread cannot be stopped before its next `.await`.
    ///
    /// Dropped before its end, everything is cancelled all the same.
    pub async fn abort(&self) {
        self.queue.clear();
        self.workers.close();
        for worker in &self.aborts {
            worker.abort();
        }
        self.workers.wait().await;
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.aborts.len()
    }

    /// How many jobs there are in each state.
    pub fn stats(&self) -> Stats {
        self.queue.stats()
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pool = f.debug_struct("WorkerPool");
        pool.field("workers", &self.workers()).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.queue.close();
    }
}
