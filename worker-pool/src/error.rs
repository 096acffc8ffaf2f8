//! The errors that you get if a pool cannot be created, or if a pool does not accept a job. If an
//! accepted job fails, its handle returns a [`JobError`](crate::JobError).

use thiserror::Error;

/// The reason why a pool could not be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PoolError {
    /// The number of workers is zero, so no job would ever run.
    #[error("a pool needs at least one worker: with none, no job would ever run")]
    NoWorkers,
    /// The queue's capacity is zero, so the queue could never hold a job.
    #[error("a queue needs room for at least one job: without room, no job could be submitted")]
    NoRoom,
}

/// The reason why the pool did not accept a job. The job was dropped without being polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The pool was stopped or aborted, or its runtime has ended.
    #[error("the pool accepts no more jobs, because it was stopped")]
    Stopped,
    /// The queue is full. Only [`try_submit`](crate::WorkerPool::try_submit) returns this; the
    /// other methods wait for room instead.
    #[error("the queue is full")]
    Full,
}
