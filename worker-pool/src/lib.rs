//! N workers on one bounded queue: exercise 3, with a handle for every job.
//!
//! A job is a future. It is wrapped ([`job`]) so that whatever becomes of it, its handle hears of
//! it: its value, its panic, or that it was given up. The workers see nothing but wrapped jobs, and
//! a worker never dies of one. What has become of all of them stands in a [`ledger`].
//!
//! Run with: `cargo run -p worker-pool`

pub mod job;
pub mod ledger;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use job::Job;
pub use job::{JobError, JobHandle, current_worker};
use ledger::Sections;
pub use ledger::Stats;

/// Runs jobs on a fixed number of workers, which take them from one bounded queue in the order
/// submitted.
///
/// Dropping the pool closes its queue and waits for nothing: the jobs accepted still run, for as
/// long as the runtime does. A job must not await its own pool's [`join`](Self::join) or
/// [`stop`](Self::stop): it would wait for itself.
#[derive(Debug)]
pub struct WorkerPool {
    /// Has no bound of its own: `room` is its bound, and can be waited for before there is a job.
    queue: Sender<Job>,
    room: Arc<Semaphore>,
    workers: TaskTracker,
    aborts: Vec<AbortHandle>,
    sections: Arc<Sections>,
}

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

/// Why a job was not taken. It was dropped, unpolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The pool was stopped or aborted, or its runtime has ended.
    #[error("the pool takes no more jobs: it was stopped")]
    Stopped,
    /// The queue is full. Only [`try_submit`](WorkerPool::try_submit) says so; the others wait.
    #[error("the queue is full")]
    Full,
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
        let (queue, jobs) = async_channel::unbounded();
        let room = Arc::new(Semaphore::new(capacity.min(Semaphore::MAX_PERMITS)));
        let sections = Arc::new(Sections::default());
        let workers = TaskTracker::new();
        let start = |number| {
            let (room, sections) = (Arc::clone(&room), Arc::clone(&sections));
            let jobs = Jobs { queue: jobs.clone(), room, sections };
            workers.spawn(work(number, jobs)).abort_handle()
        };
        let aborts = (1..=num_workers).map(start).collect();
        Ok(Self { queue, room, workers, aborts, sections })
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
        self.wait_for_room().await?;
        self.enqueue(async { Ok(job.await) })
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
        self.wait_for_room().await?;
        self.enqueue(async move { timeout(limit, job).await.map_err(|_| JobError::TimedOut) })
    }

    /// Puts the job in the queue if there is room now.
    ///
    /// # Errors
    /// [`SubmitError::Full`] and [`SubmitError::Stopped`].
    pub fn try_submit<F>(&self, job: F) -> Result<JobHandle<F::Output>, SubmitError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match self.room.try_acquire() {
            Ok(place) => place.forget(),
            Err(tokio::sync::TryAcquireError::NoPermits) => return Err(SubmitError::Full),
            Err(tokio::sync::TryAcquireError::Closed) => return Err(SubmitError::Stopped),
        }
        self.enqueue(async { Ok(job.await) })
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
        self.sections.join().await;
    }

    /// Takes no more jobs, and waits until those accepted are over and every worker has ended.
    ///
    /// Safe to call more than once, and from several tasks. Dropped before its end, the pool is
    /// stopped all the same, and another call waits for the rest.
    pub async fn stop(&self) {
        self.refuse();
        self.workers.wait().await;
    }

    /// Takes no more jobs, cancels those queued and running, and returns when the future of each has
    /// been dropped. A job that blocks its thread cannot be stopped before its next `.await`.
    ///
    /// Dropped before its end, everything is cancelled all the same.
    pub async fn abort(&self) {
        self.refuse();
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
        self.sections.with(|section| section.counters.stats(self.queue.len()))
    }

    async fn wait_for_room(&self) -> Result<(), SubmitError> {
        // The place is given back by the worker that takes the job out.
        self.room.acquire().await.map_err(|_| SubmitError::Stopped)?.forget();
        Ok(())
    }

    /// There is a place for it; from here on nothing waits, and nothing can be dropped half way.
    fn enqueue<T: Send + 'static>(
        &self,
        job: impl Future<Output = Result<T, JobError>> + Send + 'static,
    ) -> Result<JobHandle<T>, SubmitError> {
        // A stop comes before this or after it, and never in between.
        self.sections.with(|section| {
            if self.queue.is_closed() {
                return Err(SubmitError::Stopped);
            }
            section.counters.submitted();
            let (job, handle) = job::wrap(job, Arc::clone(section));
            self.queue.try_send(job).map_err(|_| SubmitError::Stopped)?;
            Ok(handle)
        })
    }

    fn refuse(&self) {
        // A closed queue still hands out what is in it; a closed semaphore lets those who wait go.
        self.sections.with(|_| self.queue.close());
        self.room.close();
        self.workers.close();
    }
}

/// Takes jobs until the queue is closed and empty. A worker without work waits to be woken; it does
/// not look for some from time to time.
async fn work(number: usize, jobs: Jobs) {
    while let Ok(job) = jobs.queue.recv().await {
        jobs.room.add_permits(1);
        let job = job::as_worker(number, job);
        // A panic of the job is caught inside it. This one would be of a value that panics when it
        // is dropped; even that does not end the worker.
        let _ = AssertUnwindSafe(job).catch_unwind().await;
    }
}

/// The worker's end of the queue. A worker can end early: aborted, or with its runtime. Then nobody
/// may be left to take what is queued, and whoever waits has to hear of it.
struct Jobs {
    queue: Receiver<Job>,
    room: Arc<Semaphore>,
    sections: Arc<Sections>,
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.sections.with(|_| self.queue.close());
        self.room.close();
        while let Ok(job) = self.queue.try_recv() {
            drop(job);
        }
    }
}
