//! A job, and the handle to its result.

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

/// What the workers see of a job. Boxed, since each job is a future of another type and one queue
/// holds them all; pinned, since a future must not move once it has been polled.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why a job gave no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// It panicked, with this message.
    #[error("the job panicked: {0}")]
    Panicked(String),
    /// It ran for longer than it was allowed to, and was dropped.
    #[error("the job ran out of time")]
    TimedOut,
    /// It was dropped before its end: the pool was aborted, or the runtime has ended.
    #[error("the job was cancelled")]
    Cancelled,
}

/// The result of a job, to be awaited. Dropping it does not cancel the job.
#[derive(Debug)]
pub struct JobHandle<T>(oneshot::Receiver<Result<T, JobError>>);

impl<T> Future for JobHandle<T> {
    type Output = Result<T, JobError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Every job sends; see `Settling`.
        self.0.poll_unpin(cx).map(|sent| sent.unwrap_or(Err(JobError::Cancelled)))
    }
}

/// Wraps a job such that its handle and the ledger hear of its end, whichever way it ends.
///
/// What takes time is done now, before the queue is locked. What comes back only puts it together,
/// for the job of this section of the ledger; not called, it drops the job and nobody hears of it.
pub(crate) fn prepare<T: Send + 'static>(
    job: impl Future<Output = Result<T, JobError>> + Send + 'static,
) -> impl FnOnce(Arc<Queue>, u64) -> (Job, JobHandle<T>) {
    let (result, handle) = oneshot::channel();
    // A panic unwinds through `poll`; caught here, it ends this job and not its worker. Nothing of
    // the job is used after it, so that nothing half changed can be seen.
    let caught = AssertUnwindSafe(job).catch_unwind();
    let memory = Box::new_uninit();
    move |queue, section| {
        let mut settling = Settling { result: Some(result), queue, section };
        // An async block would keep room for the job twice: as given to it, and as awaited.
        let job = caught.map(move |outcome| {
            settling.settle(outcome.unwrap_or_else(|panic| Err(JobError::Panicked(message(panic)))))
        });
        (Box::into_pin(Box::write(memory, job)) as Job, JobHandle(handle))
    }
}

/// What a job owes. It pays at its end, or when it is dropped, in the queue or half way.
struct Settling<T> {
    result: Option<oneshot::Sender<Result<T, JobError>>>,
    queue: Arc<Queue>,
    section: u64,
}

impl<T> Settling<T> {
    fn settle(&mut self, outcome: Result<T, JobError>) {
        if let Some(result) = self.result.take() {
            // First the figures: who has the result finds it there, too.
            self.queue.ended(self.section, outcome.as_ref().err());
            // An error: nobody holds the handle any more. The job has run all the same.
            let _ = result.send(outcome);
        }
    }
}

impl<T> Drop for Settling<T> {
    fn drop(&mut self) {
        self.settle(Err(if thread::panicking() {
            JobError::Panicked("when its future was dropped".into())
        } else {
            JobError::Cancelled
        }));
    }
}

tokio::task_local! {
    static WORKER: usize;
}

/// The number of the worker that runs this job, counted from 1; `None` outside of a job, and in
/// tasks that a job has spawned.
pub fn current_worker() -> Option<usize> {
    WORKER.try_get().ok()
}

/// Runs a worker such that its jobs know its number.
pub(crate) fn as_worker<F: Future>(number: usize, worker: F) -> impl Future<Output = F::Output> {
    WORKER.scope(number, worker)
}

/// What a panic said, where it said it in words.
fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().unwrap_or(&"no message").to_string(),
    }
}
