//! The bounded queue between those who submit and those who work.
//!
//! One ordinary lock guards the jobs and the ledger, so that at any moment every job is in exactly
//! one state. It is never held across an `.await`: who has to wait lets go of it, and is woken by a
//! [`Notify`]. Python's `asyncio.Queue` is built like this, without the lock.

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
    /// Of those who wait for room, the first holds it and the others wait for it, in their order.
    turn: tokio::sync::Mutex<()>,
    /// The queue is no longer full, or closed.
    room: Notify,
    /// The queue is no longer empty, or closed.
    ready: Notify,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// How many wait for room. While there are any, nobody goes before them.
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

    /// Puts the job at the end, as soon as there is room. Dropped before that, it has put nothing.
    pub(crate) async fn put<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl Future<Output = Result<T, JobError>> + Send + 'static,
    ) -> Result<JobHandle<T>, SubmitError> {
        let job = job::prepare(job);
        {
            let mut state = self.state();
            if self.decides_at_once(&state) {
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
            // If a place came free since we looked, there is a notice, and this returns at once.
            self.room.notified().await;
        }
    }

    /// Puts the job at the end if there is room now, and nobody has waited for it before.
    pub(crate) fn try_put<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl Future<Output = Result<T, JobError>> + Send + 'static,
    ) -> Result<JobHandle<T>, SubmitError> {
        let job = job::prepare(job);
        let state = self.state();
        if self.decides_at_once(&state) { self.accept(state, job) } else { Err(SubmitError::Full) }
    }

    /// Whether a job can be decided on at once: there is room that nobody has waited for, or never
    /// will be.
    fn decides_at_once(&self, state: &State) -> bool {
        state.closed || (state.waiting == 0 && state.jobs.len() < self.capacity)
    }

    /// There is room, or never will be. Nothing waits in here, so nothing can be dropped half way.
    fn accept<T>(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        job: impl FnOnce(Arc<Self>, u64) -> (Job, JobHandle<T>),
    ) -> Result<JobHandle<T>, SubmitError> {
        if state.closed {
            // First the lock, then the job: dropping a job runs code that is not ours.
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

    /// Takes the first job out, as soon as there is one; `None` when the queue is closed and empty.
    /// Dropped before that, it has taken nothing.
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
                // A notice wakes one worker. Where there is more to be done, it wakes the next.
                if !is_empty || closed {
                    self.ready.notify_one();
                }
                if job.is_some() || closed {
                    return job;
                }
            }
            // If a job was put since we looked, there is a notice, and this returns at once.
            self.ready.notified().await;
        }
    }

    /// Takes no more jobs in. Those in the queue can still be taken out.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.room.notify_one();
        self.ready.notify_one();
    }

    /// Takes no more jobs in, and drops those in the queue.
    pub(crate) fn clear(&self) {
        self.close();
        loop {
            let first = self.state().jobs.pop_front();
            let Some(job) = first else { return };
            // A job that panics when it is dropped must not save the others from it.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(job)));
        }
    }

    /// A job of this section has ended, with a value or with this error.
    pub(crate) fn ended(&self, section: u64, error: Option<&JobError>) {
        let over = self.state().ledger.ended(section, error);
        // Apart, so that those who wait for these sections are woken when the lock is free again.
        drop(over);
    }

    /// Waits until all jobs put before this call have ended.
    pub(crate) async fn join(&self) {
        let over = self.state().ledger.join();
        if let Some(over) = over {
            // Nothing is ever sent. An error: the sender is gone, and the section with it.
            let _ = over.await;
        }
    }

    /// How many jobs there are in each state.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        state.ledger.stats(state.jobs.len())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for room, and no longer does when this is dropped.
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
    async fn an_idle_worker_is_not_polled_in_an_hour() {
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
        timeout(Duration::from_secs(1), job).await.expect("a worker takes the job");
        let before = polls.load(SeqCst);
        assert!(before >= 3, "each has looked once for work");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(polls.load(SeqCst), before);
        queue.close();
    }
}
