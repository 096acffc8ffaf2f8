//! Says why a pool cannot be created, and why it does not accept a job. If an accepted job fails,
//! its handle returns a [`JobError`](crate::JobError).

use thiserror::Error;

/// Why a pool could not be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PoolError {
    /// With no workers, no job would ever run.
    #[error("a pool needs at least one worker: with none, no job would ever run")]
    NoWorkers,
    /// With no room in the queue, no job could be handed over.
    #[error("a queue without room would never take a job")]
    NoRoom,
}

/// Why the pool did not accept a job. The job was dropped without being polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The pool was stopped or aborted, or its runtime has ended.
    #[error("the pool takes no more jobs: it was stopped")]
    Stopped,
    /// The queue is full. Only [`try_submit`](crate::WorkerPool::try_submit) returns this; the
    /// other methods wait for room instead.
    #[error("the queue is full")]
    Full,
}
