//! The bounded queue between the callers that submit jobs and the workers that run them.
//!
//! One ordinary mutex guards both the jobs and the ledger, so every job is in exactly one state at
//! any moment. No task holds the mutex across an `.await`. A task that has to wait unlocks the
//! mutex first, and then waits for a [`Notify`]. Python's `asyncio.Queue` works in the same way,
//! but needs no mutex.
//!
//! A `Notify` remembers one notification if nobody is waiting yet. So if the queue changes after a
//! task has unlocked the mutex and before the task waits, the notification is not lost: the task
//! does not sleep, but checks the queue again. A notification wakes only one task. If that task
//! finds more jobs or more room than it can use itself, it notifies the next task:
//!
//! ```text
//! two jobs arrive   accept: the queue was empty, so `accept` notifies one worker
//!                   accept: the queue was not empty, so `accept` notifies nobody
//! worker 1 wakes    take: gets the first job, sees the second one, and notifies one worker
//! worker 2 wakes    take: gets the second job, and the queue is empty
//! ```

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;

use crate::SubmitError;
use crate::job::{self, Job, JobError, JobHandle};
use crate::ledger::{Ledger, Stats};
use crate::sync::{Mutex, MutexGuard};

pub(crate) struct Queue {
    state: Mutex<State>,
    capacity: usize,
    /// The first caller that waits for room holds this lock. The other callers wait for the lock,
    /// in order.
    turn: tokio::sync::Mutex<()>,
    /// Notified when the queue is no longer full, and when it is closed.
    room: Notify,
    /// Notified when the queue is no longer empty, and when it is closed.
    ready: Notify,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// The number of callers that wait for room. While it is not zero, a new caller must wait
    /// behind them.
    waiting: usize,
    closed: bool,
    ledger: Ledger,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            capacity,
            turn: tokio::sync::Mutex::default(),
            room: Notify::new(),
            ready: Notify::new(),
        }
    }

    /// Appends the job as soon as the queue has room. If the future is dropped before that, the
    /// job is not added.
    pub(crate) async fn put<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl Future<Output = Result<T, JobError>> + Send + 'static,
    ) -> Result<JobHandle<T>, SubmitError> {
        let job = job::prepare(job);
        {
            let mut state = self.state();
            if self.needs_no_waiting(&state) {
                return self.accept(state, job);
            }
            state.waiting += 1;
        }
        let _waiting = Waiting(self);
        let _turn = self.turn.lock().await;
        loop {
            {
                let state = self.state();
                if state.closed || state.jobs.len() < self.capacity {
                    return self.accept(state, job);
                }
            }
            // If a worker has taken a job since we checked, `room` remembers a notification, and
            // this call returns immediately.
            self.room.notified().await;
        }
    }

    /// Appends the job if the queue has room now and no other caller is waiting.
    pub(crate) fn try_put<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl Future<Output = Result<T, JobError>> + Send + 'static,
    ) -> Result<JobHandle<T>, SubmitError> {
        let job = job::prepare(job);
        let state = self.state();
        if self.needs_no_waiting(&state) { self.accept(state, job) } else { Err(SubmitError::Full) }
    }

    /// Returns whether `accept` can answer a caller without waiting: either the queue has room and
    /// nobody is waiting for it, or the queue is closed, so that `accept` refuses the job.
    fn needs_no_waiting(&self, state: &State) -> bool {
        state.closed || (state.waiting == 0 && state.jobs.len() < self.capacity)
    }

    /// Appends the job, or refuses it if the queue is closed. The caller has checked that there is
    /// room. This function never awaits, so it cannot be cancelled halfway.
    fn accept<T>(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        job: impl FnOnce(Arc<Self>, u64) -> (Job, JobHandle<T>),
    ) -> Result<JobHandle<T>, SubmitError> {
        if state.closed {
            // Unlock first. Returning drops the job, whose destructor is not our code and may use
            // this queue.
            drop(state);
            return Err(SubmitError::Stopped);
        }
        let was_empty = state.jobs.is_empty();
        let (job, handle) = job(Arc::clone(self), state.ledger.accepted());
        state.jobs.push_back(job);
        drop(state);
        if was_empty {
            self.ready.notify_one();
        }
        Ok(handle)
    }

    /// Removes and returns the first job, as soon as there is one. Returns `None` when the queue
    /// is closed and empty. If the future is dropped while it waits, no job is removed.
    pub(crate) async fn take(&self) -> Option<Job> {
        loop {
            {
                let mut state = self.state();
                let was_full = state.jobs.len() >= self.capacity;
                let job = state.jobs.pop_front();
                let (is_empty, closed) = (state.jobs.is_empty(), state.closed);
                drop(state);
                if was_full {
                    self.room.notify_one();
                }
                // A notification wakes only one worker. If more jobs are queued, that worker wakes
                // the next one.
                if !is_empty || closed {
                    self.ready.notify_one();
                }
                if job.is_some() || closed {
                    return job;
                }
            }
            // If a job was added since we checked, the `Notify` remembers a notification, and this
            // call returns immediately.
            self.ready.notified().await;
        }
    }

    /// Closes the queue, so that it accepts no more jobs. Workers can still take the queued jobs.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.room.notify_one();
        self.ready.notify_one();
    }

    /// Closes the queue, and drops the jobs that are in it.
    pub(crate) fn clear(&self) {
        self.close();
        loop {
            let first = self.state().jobs.pop_front();
            let Some(job) = first else { return };
            // If a job panics while it is dropped, the others still have to be dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(job)));
        }
    }

    /// Records that a job of this section has ended: with this error, or with a value if there is
    /// no error.
    pub(crate) fn ended(&self, section: u64, error: Option<&JobError>) {
        let finished = self.state().ledger.ended(section, error);
        // Dropping these sections wakes the callers of `join`. The mutex is unlocked by now.
        drop(finished);
    }

    /// Waits until all jobs accepted before this call have ended.
    pub(crate) async fn join(&self) {
        let finished = self.state().ledger.join();
        if let Some(finished) = finished {
            // Nobody ever sends anything. This returns an error when the section, which owns the
            // sender, is dropped.
            let _ = finished.await;
        }
    }

    /// Returns how many jobs are in each state.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        state.ledger.stats(state.jobs.len())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one caller as waiting for room, for as long as this value lives.
struct Waiting<'a>(&'a Queue);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::worker::{WorkerEnd, work};

    #[tokio::test(start_paused = true)]
    async fn an_idle_worker_is_not_polled_for_an_hour() {
        let queue = Arc::new(Queue::new(1));
        let polls = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let (end, polls) = (WorkerEnd(Arc::clone(&queue)), Arc::clone(&polls));
            tokio::spawn(async move {
                let mut worker = pin!(work(end));
                poll_fn(|cx| {
                    polls.fetch_add(1, SeqCst);
                    worker.as_mut().poll(cx)
                })
                .await;
            });
        }
        let job = async { queue.put(async { Ok(()) }).await.unwrap().await.unwrap() };
        timeout(Duration::from_secs(1), job).await.expect("no worker took the job");
        let before = polls.load(SeqCst);
        assert!(before >= 3, "each worker must have looked for a job");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(polls.load(SeqCst), before);
        queue.close();
    }
}
