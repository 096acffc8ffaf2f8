//! What has become of the jobs: the figures of `stats`, and what `join` waits for.
//!
//! Both are made of what costs a job next to nothing: a counter, and a reference.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::job::JobError;

/// How many jobs there are in each state. Whatever is submitted ends in one of the last four.
///
/// Taken while jobs run, the figures are not of one moment: a job may have moved on between two of
/// them. It is never counted twice among those over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Waiting in the queue.
    pub queued: u64,
    /// Taken by a worker.
    pub running: u64,
    /// Ended with a value.
    pub ok: u64,
    /// Ended with a panic.
    pub panicked: u64,
    /// Dropped when its time was over.
    pub timed_out: u64,
    /// Dropped before its end in any other way.
    pub cancelled: u64,
}

impl Stats {
    /// All jobs ever accepted.
    pub fn submitted(&self) -> u64 {
        self.queued + self.running + self.over()
    }

    /// All jobs that have ended.
    pub fn over(&self) -> u64 {
        self.ok + self.panicked + self.timed_out + self.cancelled
    }
}

/// Counts what has happened to jobs. What is queued and what runs follows from it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    submitted: AtomicU64,
    over: Over,
}

/// How jobs have ended. Written by workers, while `submitted` is written by who submits: on one
/// cache line, each write would take it away from the other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Over {
    ok: AtomicU64,
    panicked: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
}

impl Counters {
    pub(crate) fn submitted(&self) {
        self.submitted.fetch_add(1, Relaxed);
    }

    /// A job has ended, with a value or with this error.
    pub(crate) fn ended(&self, error: Option<&JobError>) {
        let counter = match error {
            None => &self.over.ok,
            Some(JobError::Panicked(_)) => &self.over.panicked,
            Some(JobError::TimedOut) => &self.over.timed_out,
            Some(JobError::Cancelled) => &self.over.cancelled,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// The figures, with so many in the queue.
    pub(crate) fn stats(&self, queued: usize) -> Stats {
        let Over { ok, panicked, timed_out, cancelled } = &self.over;
        let [ok, panicked, timed_out, cancelled] =
            [ok, panicked, timed_out, cancelled].map(|counter| counter.load(Relaxed));
        let over = ok + panicked + timed_out + cancelled;
        let queued = queued as u64;
        let running = self.submitted.load(Relaxed).saturating_sub(over + queued);
        Stats { queued, running, ok, panicked, timed_out, cancelled }
    }
}

/// The jobs between two calls of `join`. Each holds a reference to its section, and the section is
/// over when the last is dropped. A section also holds the one after it, so that none is over
/// before the ones before it.
#[derive(Debug, Default)]
pub(crate) struct Section {
    /// The pool's: a job reaches both by one reference.
    pub(crate) counters: Arc<Counters>,
    next: OnceLock<Arc<Section>>,
    /// Closed when this is dropped.
    over: watch::Sender<()>,
}

/// The present section.
#[derive(Debug, Default)]
pub(crate) struct Sections(Mutex<Arc<Section>>);

impl Sections {
    /// Runs `accept` with the present section. One caller at a time: what must not happen in the
    /// middle of it goes through here too. An ordinary lock, never held across an `.await`.
    pub(crate) fn with<T>(&self, accept: impl FnOnce(&Arc<Section>) -> T) -> T {
        accept(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the present section, and waits until it and all before it are over.
    pub(crate) async fn join(&self) {
        let mut ended = {
            let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let counters = Arc::clone(&present.counters);
            let next = Arc::new(Section { counters, ..Section::default() });
            let ended = std::mem::replace(&mut *present, Arc::clone(&next));
            let over = ended.over.subscribe();
            // Set once: only here, by whoever took it out.
            let _ = ended.next.set(next);
            over
        };
        // Nothing is ever sent. An error: the sender is gone, and the section with it.
        let _ = ended.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_section_is_over_when_its_jobs_and_all_before_them_are() {
        let sections = Sections::default();
        let a = sections.with(Arc::clone);
        let mut first = Box::pin(sections.join());
        assert!(first.as_mut().now_or_never().is_none());
        let b = sections.with(Arc::clone);
        let mut second = Box::pin(sections.join());
        assert!(second.as_mut().now_or_never().is_none());
        let c = sections.with(Arc::clone);

        drop(b);
        assert!(second.as_mut().now_or_never().is_none(), "`a` is still there");
        drop(a);
        assert!(first.now_or_never().is_some() && second.now_or_never().is_some());
        let third = Box::pin(sections.join());
        drop(c);
        assert!(third.now_or_never().is_some());
        assert!(sections.join().now_or_never().is_some(), "nothing was in it");
    }

    #[test]
    fn a_join_that_was_dropped_leaves_the_next_one_to_wait_for_its_jobs() {
        let sections = Sections::default();
        let a = sections.with(Arc::clone);
        assert!(sections.join().now_or_never().is_none());
        assert!(sections.join().now_or_never().is_none(), "`a` is still there");
        drop(a);
        assert!(sections.join().now_or_never().is_some());
    }

    #[test]
    fn every_job_is_in_one_state() {
        let counters = Counters::default();
        for _ in 0..6 {
            counters.submitted();
        }
        counters.ended(None);
        counters.ended(Some(&JobError::Panicked("".into())));
        counters.ended(Some(&JobError::TimedOut));
        counters.ended(Some(&JobError::Cancelled));
        let stats = counters.stats(1);
        let expected =
            Stats { queued: 1, running: 1, ok: 1, panicked: 1, timed_out: 1, cancelled: 1 };
        assert_eq!(stats, expected);
        assert_eq!((stats.submitted(), stats.over()), (6, 4));
    }
}
