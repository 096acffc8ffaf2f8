//! N workers on one bounded queue, with a handle for every job.
//!
//! A job is a future. The pool wraps each job ([`job`]), so that the job's handle always reports
//! how the job ended: with a value, with a panic, or cancelled. The workers only see wrapped jobs,
//! and no job can take down its worker. Jobs wait for a worker in `queue.rs`, and the [`ledger`]
//! counts how they end.
//!
//! Run with: `cargo run -p worker-pool`

mod error;
pub mod job;
pub mod ledger;
mod queue;
mod worker;

/// The mutex that guards the queue. `tests/shuttle` compiles the queue with a different mutex,
/// which lets another task run each time it is locked.
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

/// Runs jobs on a fixed number of workers. The workers take the jobs from one bounded queue, in the
/// order in which the queue accepted them.
///
/// Dropping the pool closes its queue and does not wait: the accepted jobs still run, as long as
/// the runtime runs. A job must not await its own pool's [`join`](Self::join) or
/// [`stop`](Self::stop), because both wait until that job has ended.
///
/// ```
/// use worker_pool::WorkerPool;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let pool = WorkerPool::new(3)?;
/// let handle = pool.submit(async { 6 * 7 }).await?;
/// assert_eq!(handle.await?, 42);
/// pool.stop().await;
/// # anyhow::Ok(())
/// # }).unwrap();
/// ```
pub struct WorkerPool {
    queue: Arc<Queue>,
    workers: TaskTracker,
    aborts: Vec<AbortHandle>,
}

impl WorkerPool {
    /// Starts a pool whose queue has room for one job per worker.
    ///
    /// # Errors
    /// Returns [`PoolError::NoWorkers`] if `num_workers` is zero.
    ///
    /// # Panics
    /// Panics outside a Tokio runtime.
    pub fn new(num_workers: usize) -> Result<Self, PoolError> {
        Self::with_capacity(num_workers, num_workers)
    }

    /// Starts a pool whose queue has room for `capacity` jobs, in addition to the running ones.
    ///
    /// # Errors
    /// Returns [`PoolError::NoWorkers`] if `num_workers` is zero, and [`PoolError::NoRoom`] if
    /// `capacity` is zero.
    ///
    /// # Panics
    /// Panics outside a Tokio runtime.
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

    /// Waits for room in the queue, adds the job to it, and returns a handle to the job's result.
    ///
    /// This wait is called back-pressure: a caller that submits faster than the workers can keep
    /// up has to wait, so the queue cannot fill the memory. If the future is dropped while it
    /// waits, the job is not submitted.
    ///
    /// # Errors
    /// Returns [`SubmitError::Stopped`] if the pool was stopped or aborted.
    pub async fn submit<F>(&self, job: F) -> Result<JobHandle<F::Output>, SubmitError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        // The queue expects a job that returns a `Result`. This job has no timeout, so it always
        // returns `Ok`.
        self.queue.put(job.map(Ok)).await
    }

    /// Submits a job as [`submit`](Self::submit) does. If the job runs for longer than `limit`, it
    /// is dropped, and its handle returns [`JobError::TimedOut`]. Time spent in the queue does not
    /// count.
    ///
    /// # Errors
    /// Returns [`SubmitError::Stopped`] if the pool was stopped or aborted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use worker_pool::{JobError, WorkerPool};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = WorkerPool::new(1)?;
    /// let endless = std::future::pending::<()>();
    /// let handle = pool.submit_with_timeout(Duration::from_millis(10), endless).await?;
    /// assert_eq!(handle.await, Err(JobError::TimedOut));
    /// # anyhow::Ok(())
    /// # }).unwrap();
    /// ```
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

    /// Adds the job to the queue if the queue has room now and no other caller is waiting.
    ///
    /// # Errors
    /// Returns [`SubmitError::Full`] if there is no room, and [`SubmitError::Stopped`] if the pool
    /// was stopped or aborted.
    ///
    /// ```
    /// use worker_pool::{SubmitError, WorkerPool};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let pool = WorkerPool::new(1)?;
    /// let first = pool.try_submit(async { 1 })?; // the queue has room for one job
    /// assert_eq!(pool.try_submit(async { 2 }).unwrap_err(), SubmitError::Full);
    /// assert_eq!(first.await?, 1);
    /// # anyhow::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn try_submit<F>(&self, job: F) -> Result<JobHandle<F::Output>, SubmitError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.queue.try_put(job.map(Ok))
    }

    /// Runs `make(item)` as a job for every item, and returns the results in the order of the
    /// items. If the pool is stopped before all jobs have been submitted, the result of each
    /// remaining item is [`JobError::Cancelled`]. If the future is dropped, no more jobs are
    /// submitted, and the jobs already submitted continue.
    ///
    /// ```
    /// use worker_pool::WorkerPool;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = WorkerPool::new(2)?;
    /// let squares = pool.map(1..=3, |n| async move { n * n }).await;
    /// assert_eq!(squares, [Ok(1), Ok(4), Ok(9)]);
    /// # anyhow::Ok(())
    /// # }).unwrap();
    /// ```
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

    /// Waits until all jobs accepted before this call have ended. Later jobs do not prolong the
    /// wait, and the pool continues to accept jobs. Dropping the future has no effect on the jobs.
    ///
    /// ```
    /// use worker_pool::WorkerPool;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = WorkerPool::new(2)?;
    /// pool.submit(async { 1 }).await?;
    /// pool.join().await;
    /// assert_eq!(pool.stats().ok, 1);
    /// pool.submit(async { 2 }).await?; // the pool still accepts jobs
    /// # anyhow::Ok(())
    /// # }).unwrap();
    /// ```
    pub async fn join(&self) {
        self.queue.join().await;
    }

    /// Stops accepting jobs, and waits until the accepted jobs and all workers have ended.
    ///
    /// You may call this more than once, and from several tasks. If the future is dropped after its
    /// first poll, the pool still stops, and you can call `stop` again to wait for it.
    ///
    /// ```
    /// use worker_pool::{SubmitError, WorkerPool};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = WorkerPool::new(2)?;
    /// let handle = pool.submit(async { 1 }).await?;
    /// pool.stop().await;
    /// assert_eq!(handle.await?, 1); // this job was accepted
    /// assert_eq!(pool.submit(async { 2 }).await.unwrap_err(), SubmitError::Stopped);
    /// # anyhow::Ok(())
    /// # }).unwrap();
    /// ```
    pub async fn stop(&self) {
        self.queue.close();
        // Closing the tracker does not stop the workers. We close it because `wait` does not return
        // as long as the tracker is open.
        self.workers.close();
        self.workers.wait().await;
    }

    /// Stops accepting jobs, cancels the queued and the running ones, and returns when all their
    /// futures have been dropped. A job that blocks its thread cannot be stopped before its next
    /// `.await`.
    ///
    /// If the future is dropped after its first poll, all jobs are still cancelled.
    ///
    /// ```
    /// use worker_pool::{JobError, WorkerPool};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let pool = WorkerPool::new(2)?;
    /// let handle = pool.submit(std::future::pending::<()>()).await?;
    /// pool.abort().await;
    /// assert_eq!(handle.await, Err(JobError::Cancelled));
    /// # anyhow::Ok(())
    /// # }).unwrap();
    /// ```
    pub async fn abort(&self) {
        self.queue.clear();
        self.workers.close();
        for worker in &self.aborts {
            worker.abort();
        }
        self.workers.wait().await;
    }

    /// Returns the number of workers.
    pub fn workers(&self) -> usize {
        self.aborts.len()
    }

    /// Returns how many jobs are in each state.
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
