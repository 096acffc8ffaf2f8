//! What has become of the jobs: the figures of `stats`, and what `join` waits for.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::job::JobError;

/// How many jobs there are in each state, at one moment. Whatever is submitted ends in one of the
/// last four.
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

/// Counts the jobs, and remembers who waits for the end of which.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// How jobs have ended; the states before that follow from `submitted`.
    ended: Stats,
    submitted: u64,
    /// Sections that somebody waits for, the oldest first, and after them the present one.
    waited_for: VecDeque<Section>,
    present: u64,
    /// The jobs of the present section that have not ended.
    unfinished: u64,
}

/// The jobs accepted between two calls of `join`. Over when none is left, here or before it.
#[derive(Debug)]
pub(crate) struct Section {
    unfinished: u64,
    /// Dropped with the section: that is what `join` waits for.
    _over: oneshot::Sender<()>,
}

impl Ledger {
    /// A job was accepted. Returns the number of its section, which [`ended`](Self::ended) asks for.
    pub(crate) fn accepted(&mut self) -> u64 {
        self.submitted += 1;
        self.unfinished += 1;
        self.present
    }

    /// A job of this section has ended, with a value or with this error. Returns the sections that
    /// are over now; dropping them wakes who waits.
    pub(crate) fn ended(&mut self, section: u64, error: Option<&JobError>) -> Vec<Section> {
        *match error {
            None => &mut self.ended.ok,
            Some(JobError::Panicked(_)) => &mut self.ended.panicked,
            Some(JobError::TimedOut) => &mut self.ended.timed_out,
            Some(JobError::Cancelled) => &mut self.ended.cancelled,
        } += 1;
        // The sections waited for have the numbers just before the present one.
        match (self.present - section) as usize {
            0 => self.unfinished -= 1,
            age => {
                let index = self.waited_for.len() - age;
                self.waited_for[index].unfinished -= 1;
            }
        }
        let over = self.waited_for.iter().take_while(|section| section.unfinished == 0).count();
        self.waited_for.drain(..over).collect()
    }

    /// Ends the present section. Returns what ends when it and all before it are over; nothing if
    /// they are.
    pub(crate) fn join(&mut self) -> Option<oneshot::Receiver<()>> {
        if self.waited_for.is_empty() && self.unfinished == 0 {
            return None;
        }
        let (_over, wait) = oneshot::channel();
        self.waited_for.push_back(Section { unfinished: self.unfinished, _over });
        self.present += 1;
        self.unfinished = 0;
        Some(wait)
    }

    /// The figures, with so many in the queue.
    pub(crate) fn stats(&self, queued: usize) -> Stats {
        let queued = queued as u64;
        let running = self.submitted - self.ended.over() - queued;
        Stats { queued, running, ..self.ended }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn is_over(wait: &mut oneshot::Receiver<()>) -> bool {
        matches!(wait.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn a_section_is_over_when_its_jobs_and_all_before_them_are() {
        let mut ledger = Ledger::default();
        assert!(ledger.join().is_none(), "nothing was in it");
        let a = ledger.accepted();
        let mut first = ledger.join().unwrap();
        let b = ledger.accepted();
        let mut second = ledger.join().unwrap();
        let mut empty = ledger.join().unwrap();
        let c = ledger.accepted();

        assert!(ledger.ended(b, None).is_empty(), "`a` is still there");
        assert!(!is_over(&mut first) && !is_over(&mut second));
        assert_eq!(ledger.ended(a, None).len(), 3);
        assert!(is_over(&mut first) && is_over(&mut second) && is_over(&mut empty));
        let mut third = ledger.join().unwrap();
        assert!(!is_over(&mut third));
        ledger.ended(c, None);
        assert!(is_over(&mut third));
        assert!(ledger.join().is_none());
    }

    #[test]
    fn a_join_that_was_dropped_leaves_the_next_one_to_wait_for_its_jobs() {
        let mut ledger = Ledger::default();
        let a = ledger.accepted();
        drop(ledger.join());
        let mut second = ledger.join().unwrap();
        assert!(!is_over(&mut second));
        ledger.ended(a, None);
        assert!(is_over(&mut second));
    }

    #[test]
    fn every_job_is_in_one_state() {
        let mut ledger = Ledger::default();
        for _ in 0..6 {
            ledger.accepted();
        }
        ledger.ended(0, None);
        ledger.ended(0, Some(&JobError::Panicked("".into())));
        ledger.ended(0, Some(&JobError::TimedOut));
        ledger.ended(0, Some(&JobError::Cancelled));
        let stats = ledger.stats(1);
        let expected =
            Stats { queued: 1, running: 1, ok: 1, panicked: 1, timed_out: 1, cancelled: 1 };
        assert_eq!(stats, expected);
        assert_eq!((stats.submitted(), stats.over()), (6, 4));
    }
}
