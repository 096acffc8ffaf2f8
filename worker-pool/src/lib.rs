//! N workers on one bounded queue: exercise 3, with a handle for every job and no way to hang.
//!
//! A job is a future. It is wrapped so that whatever becomes of it, its handle hears of it: its
//! value, its panic, or that it was given up. The workers see nothing but wrapped jobs, which
//! never fail, and so a worker never dies of one.
//!
//! Run with: `cargo run -p worker-pool`

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_channel::{Receiver, Sender};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio_util::task::TaskTracker;

/// Runs jobs on a fixed number of workers, which take them from one bounded queue in the order
/// submitted.
///
/// Dropping the pool closes its queue and waits for nothing: the jobs accepted still run, for as
/// long as the runtime does. [`stop`](Self::stop) waits for them.
pub struct WorkerPool {
    queue: Sender<Job>,
    workers: TaskTracker,
    submitted: AtomicU64,
    /// The numbers of the jobs submitted and not over.
    unfinished: Arc<watch::Sender<BTreeSet<u64>>>,
}

/// What the workers see of a job. Boxed, since each job is a future of another type and one queue
/// holds them all; pinned, since a future must not move once it has been polled.
type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why there can be no such pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PoolError {
    /// With no workers, no job would ever run.
    #[error("a pool of zero workers would never run a job")]
    NoWorkers,
    /// With no room in the queue, no job could be handed over.
    #[error("a queue without room would never take a job")]
    NoRoom,
}

/// The pool was stopped; the job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the pool takes no more jobs: it was stopped")]
pub struct Stopped;

/// Why a job gave no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// It panicked, with this message.
    #[error("the job panicked: {0}")]
    Panicked(String),
    /// It was dropped before its end, with the runtime it ran on.
    #[error("the job was cancelled")]
    Cancelled,
}

tokio::task_local! {
    static WORKER: usize;
}

/// The number of the worker that runs this job, counted from 1; `None` outside of a job, and in
/// tasks that a job has spawned.
pub fn current_worker() -> Option<usize> {
    WORKER.try_get().ok()
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
        Self::with_capacity(num_workers, num_workers.max(1))
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
        let (queue, jobs) = async_channel::bounded(capacity);
        let workers = TaskTracker::new();
        for number in 1..=num_workers {
            workers.spawn(work(number, jobs.clone()));
        }
        let unfinished = Arc::new(watch::Sender::new(BTreeSet::new()));
        Ok(Self { queue, workers, submitted: AtomicU64::new(0), unfinished })
    }

    /// Waits for room in the queue, puts the job there, and returns the handle to its result.
    ///
    /// The waiting is back-pressure: who submits faster than the workers work is held back, and the
    /// queue cannot eat the memory. Dropped while it waits, it has submitted nothing.
    ///
    /// # Errors
    /// [`Stopped`] if the pool was stopped; the job is dropped, unpolled.
    pub async fn submit<F>(&self, job: F) -> Result<JobHandle<F::Output>, Stopped>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (result, handle) = oneshot::channel();
        let unfinished = self.count();
        let job = async move {
            // A panic unwinds through `poll`; caught here, it ends this job and not its worker.
            // Nothing of the job is used after it, so that it cannot be seen half changed.
            let outcome = AssertUnwindSafe(job).catch_unwind().await;
            // An error: nobody holds the handle any more. The job has run all the same.
            let _ = result.send(outcome.map_err(|panic| JobError::Panicked(message(panic))));
            drop(unfinished);
        };
        self.queue.send(Box::pin(job)).await.map_err(|_| Stopped)?;
        Ok(JobHandle(handle))
    }

    /// Waits until all jobs submitted before this call are over. Those submitted later do not
    /// extend it, and the pool goes on. Dropping the future changes nothing.
    pub async fn join(&self) {
        let limit = self.submitted.load(Ordering::SeqCst);
        let mut unfinished = self.unfinished.subscribe();
        let over = |jobs: &BTreeSet<u64>| jobs.first().is_none_or(|first| *first >= limit);
        // An error would mean that the sender is gone; `self` holds it.
        let _ = unfinished.wait_for(over).await;
    }

    /// Takes no more jobs, and waits until those accepted are over and every worker has ended.
    ///
    /// Safe to call more than once, and from several tasks. Dropped before its end, the pool is
    /// stopped all the same, and another call waits for the rest.
    pub async fn stop(&self) {
        // A closed queue still hands out what is in it.
        self.queue.close();
        self.workers.close();
        self.workers.wait().await;
    }

    fn count(&self) -> Unfinished {
        let number = self.submitted.fetch_add(1, Ordering::SeqCst);
        self.unfinished.send_modify(|jobs| {
            jobs.insert(number);
        });
        Unfinished { number, jobs: Arc::clone(&self.unfinished) }
    }
}

/// Takes jobs until the queue is closed and empty. A worker without work waits to be woken; it does
/// not look for some from time to time.
async fn work(number: usize, jobs: Receiver<Job>) {
    while let Ok(job) = jobs.recv().await {
        WORKER.scope(number, job).await;
    }
}

/// Counts a job as unfinished until it is dropped, which comes at its end however it ends.
struct Unfinished {
    number: u64,
    jobs: Arc<watch::Sender<BTreeSet<u64>>>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.jobs.send_modify(|jobs| {
            jobs.remove(&self.number);
        });
    }
}

/// The result of a job, to be awaited. Dropping it does not cancel the job.
#[derive(Debug)]
pub struct JobHandle<T>(oneshot::Receiver<Result<T, JobError>>);

impl<T> Future for JobHandle<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A sender dropped without a word belonged to a job that was dropped.
        self.0.poll_unpin(cx).map(|sent| sent.unwrap_or(Err(JobError::Cancelled)))
    }
}

/// What a panic said, where it said it in words.
fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().unwrap_or(&"no message").to_string(),
    }
}
