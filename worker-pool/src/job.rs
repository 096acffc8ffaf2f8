//! A job, and the handle to its result.
//!
//! A job is a future of some type. The queue needs one type for all jobs, and each handle has to
//! report how its job ended: with a result, with a panic, or cancelled. So `prepare` wraps each job
//! in three layers:
//!
//! ```text
//! catch_unwind   turns a panic of the job into an error
//! map            reports the result, or the error, to the ledger and to the handle
//! Pin<Box<dyn>>  hides the type, so that one queue can hold all jobs
//! ```
//!
//! If a job is dropped in the queue or halfway through, it never reaches its end. In that case,
//! `Settling`'s destructor reports that the job was cancelled. Here is a job that is dropped while
//! it runs:
//!
//! ```text
//! submit         prepare: allocates a channel, and memory for the wrapped job
//!                accept: section 4 of the ledger counts one more job; the job enters the queue
//! a worker       takes the job and polls it; the job waits
//! pool.abort()   drops the worker, and with it the job and the job's `Settling`
//! Settling       section 4 counts a cancelled job; the handle returns Err(Cancelled)
//! ```

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use futures_util::FutureExt;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::queue::Queue;

/// A wrapped job, as the workers see it. It is boxed because each job is a future of a different
/// type, and pinned because a future must not move once it has been polled.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The reason why a job returned no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// The job panicked with this message.
    #[error("the job panicked: {0}")]
    Panicked(String),
    /// The job took longer than its limit, and was dropped.
    #[error("the job timed out")]
    TimedOut,
    /// The job was dropped before it ended, because the pool was aborted or its runtime has shut
    /// down.
    #[error("the job was cancelled")]
    Cancelled,
}

/// A handle to a job's result. Await the handle to get the result. Dropping the handle does not
/// cancel the job.
#[derive(Debug)]
pub struct JobHandle<T>(oneshot::Receiver<Result<T, JobError>>);

impl<T> Future for JobHandle<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Receiving never fails, because `Settling` always sends a result or an error.
        self.0.poll_unpin(cx).map(|sent| sent.unwrap_or(Err(JobError::Cancelled)))
    }
}

/// Wraps a job, so that its handle and the ledger learn how the job ended.
///
/// The work is split into two steps. Before the queue is locked, this function does everything that
/// takes time: it allocates the channel and the memory for the job. It returns a closure, which
/// only puts the parts together. The queue calls this closure while it is locked, and passes the
/// number of the ledger section that counts the job. If the queue refuses the job, it drops the
/// closure, and the job with it.
pub(crate) fn prepare<T: Send + 'static>(
    job: impl Future<Output = Result<T, JobError>> + Send + 'static,
) -> impl FnOnce(Arc<Queue>, u64) -> (Job, JobHandle<T>) {
    let (result, handle) = oneshot::channel();
    // A panic unwinds through `poll`. We catch it here, so it ends this job but not its worker. A
    // panic may leave data half changed. `AssertUnwindSafe` says that we accept this, because
    // nobody uses any part of the job afterwards.
    let caught = AssertUnwindSafe(job).catch_unwind();
    let memory = Box::new_uninit();
    move |queue, section| {
        let mut settling = Settling { result: Some(result), queue, section };
        // A `map` takes less memory here than an async block, which would reserve memory for the
        // job twice: once as a captured variable, and once as the future that it awaits.
        let job = caught.map(move |outcome| {
            settling.settle(outcome.unwrap_or_else(|panic| Err(JobError::Panicked(message(panic)))))
        });
        (Box::into_pin(Box::write(memory, job)) as Job, JobHandle(handle))
    }
}

/// Reports the outcome of a job exactly once: when the job has finished, or when it is dropped.
struct Settling<T> {
    result: Option<oneshot::Sender<Result<T, JobError>>>,
    queue: Arc<Queue>,
    section: u64,
}

impl<T> Settling<T> {
    fn settle(&mut self, outcome: Result<T, JobError>) {
        if let Some(result) = self.result.take() {
            // Update the counters first, so that anyone holding the result can already see it
            // counted.
            self.queue.ended(self.section, outcome.as_ref().err());
            // This fails only if the handle was dropped, and then nobody is waiting for the result.
            let _ = result.send(outcome);
        }
    }
}

impl<T> Drop for Settling<T> {
    fn drop(&mut self) {
        self.settle(Err(if thread::panicking() {
            JobError::Panicked("while its future was being dropped".into())
        } else {
            JobError::Cancelled
        }));
    }
}

tokio::task_local! {
    static WORKER: usize;
}

/// Returns the number of the worker that runs the calling job. Workers are numbered from 1. Returns
/// `None` outside a job, and in a task that a job has spawned: task-local values are not inherited.
///
/// ```
/// use worker_pool::{WorkerPool, current_worker};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let pool = WorkerPool::new(1)?;
/// let handle = pool.submit(async { current_worker() }).await?;
/// assert_eq!(handle.await?, Some(1));
/// assert_eq!(current_worker(), None);
/// # anyhow::Ok(())
/// # }).unwrap();
/// ```
pub fn current_worker() -> Option<usize> {
    WORKER.try_get().ok()
}

/// Gives a worker its number, so that its jobs can get that number from [`current_worker`].
pub(crate) fn as_worker<F: Future>(number: usize, worker: F) -> impl Future<Output = F::Output> {
    WORKER.scope(number, worker)
}

/// Returns the message of a panic, if its payload is a string.
fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().unwrap_or(&"no message").to_string(),
    }
}
