//! Counts the jobs, for `stats` and for `join`.
//!
//! `join` waits for the jobs accepted before it, but not for later ones. So it is not enough to
//! count the unfinished jobs: in a busy pool, that count may never reach zero. Instead, each call
//! to `join` ends the current *section*, and starts a new one. A job belongs to the section in
//! which it was accepted. A `join` returns when no job is left in its section or in an earlier one:
//!
//! ```text
//! submit A, B     section 0: 2 unfinished
//! join (first)    ends section 0; section 1 begins
//! submit C        section 1: 1 unfinished
//! join (second)   ends section 1; section 2 begins
//! C ends          section 1 is empty, but section 0 is not: nobody is woken
//! A ends          section 0: 1 unfinished
//! B ends          sections 0 and 1 are finished: both joins return
//! ```

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::job::JobError;

/// The number of jobs in each state, all counted at the same moment. Every accepted job ends up in
/// one of the last four states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Jobs that wait in the queue.
    pub queued: u64,
    /// Jobs that a worker has taken and that have not ended yet.
    pub running: u64,
    /// Jobs that have returned a value.
    pub ok: u64,
    /// Jobs that have panicked.
    pub panicked: u64,
    /// Jobs that were dropped because they timed out.
    pub timed_out: u64,
    /// Jobs that were dropped before they ended, for any reason except a timeout.
    pub cancelled: u64,
}

impl Stats {
    /// Returns the number of all jobs ever accepted.
    pub fn submitted(&self) -> u64 {
        self.queued + self.running + self.finished()
    }

    /// Returns the number of all jobs that have ended.
    pub fn finished(&self) -> u64 {
        self.ok + self.panicked + self.timed_out + self.cancelled
    }
}

/// Counts the jobs, and knows which `join` waits for which jobs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The number of jobs that have ended in each way. `queued` and `running` are always zero here,
    /// because `stats` computes them.
    ended: Stats,
    submitted: u64,
    /// The sections for which a `join` waits, oldest first. The current section comes after them.
    waited_for: VecDeque<Section>,
    /// The number of the current section.
    present: u64,
    /// The number of jobs in the current section that have not ended yet.
    unfinished: u64,
}

/// The jobs accepted between two calls to `join`. A section is finished when none of its jobs is
/// left, and all earlier sections are finished.
#[derive(Debug)]
pub(crate) struct Section {
    unfinished: u64,
    /// `join` waits until this sender is dropped together with the section.
    _finished: oneshot::Sender<()>,
}

impl Ledger {
    /// Counts an accepted job. Returns the number of its section, which [`ended`](Self::ended)
    /// needs later.
    pub(crate) fn accepted(&mut self) -> u64 {
        self.submitted += 1;
        self.unfinished += 1;
        self.present
    }

    /// Records that a job of this section has ended: with this error, or with a value if there is
    /// no error. Returns the sections that are now finished. Dropping these sections wakes the
    /// callers of `join`.
    pub(crate) fn ended(&mut self, section: u64, error: Option<&JobError>) -> Vec<Section> {
        *match error {
            None => &mut self.ended.ok,
            Some(JobError::Panicked(_)) => &mut self.ended.panicked,
            Some(JobError::TimedOut) => &mut self.ended.timed_out,
            Some(JobError::Cancelled) => &mut self.ended.cancelled,
        } += 1;
        // The sections in `waited_for` are numbered consecutively, and the last of them comes right
        // before the current section.
        match (self.present - section) as usize {
            0 => self.unfinished -= 1,
            age => {
                let index = self.waited_for.len() - age;
                self.waited_for[index].unfinished -= 1;
            }
        }
        let finished = self.waited_for.iter().take_while(|section| section.unfinished == 0).count();
        self.waited_for.drain(..finished).collect()
    }

    /// Ends the current section. Returns a receiver that fails when this section and all earlier
    /// ones are finished, or `None` if they already are.
    pub(crate) fn join(&mut self) -> Option<oneshot::Receiver<()>> {
        if self.waited_for.is_empty() && self.unfinished == 0 {
            return None;
        }
        let (_finished, wait) = oneshot::channel();
        self.waited_for.push_back(Section { unfinished: self.unfinished, _finished });
        self.present += 1;
        self.unfinished = 0;
        Some(wait)
    }

    /// Returns the counters. The ledger does not know how many jobs are in the queue, so the caller
    /// has to pass that number.
    pub(crate) fn stats(&self, queued: usize) -> Stats {
        let queued = queued as u64;
        let running = self.submitted - self.ended.finished() - queued;
        Stats { queued, running, ..self.ended }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn is_finished(wait: &mut oneshot::Receiver<()>) -> bool {
        matches!(wait.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn a_section_is_finished_when_its_jobs_and_all_earlier_ones_have_ended() {
        let mut ledger = Ledger::default();
        assert!(ledger.join().is_none(), "there are no jobs to wait for");
        let a = ledger.accepted();
        let mut first = ledger.join().unwrap();
        let b = ledger.accepted();
        let mut second = ledger.join().unwrap();
        let mut empty = ledger.join().unwrap();
        let c = ledger.accepted();

        assert!(ledger.ended(b, None).is_empty(), "`a` has not ended yet");
        assert!(!is_finished(&mut first) && !is_finished(&mut second));
        assert_eq!(ledger.ended(a, None).len(), 3);
        assert!(is_finished(&mut first) && is_finished(&mut second) && is_finished(&mut empty));
        let mut third = ledger.join().unwrap();
        assert!(!is_finished(&mut third));
        ledger.ended(c, None);
        assert!(is_finished(&mut third));
        assert!(ledger.join().is_none());
    }

    #[test]
    fn after_a_dropped_join_the_next_join_still_waits_for_the_jobs() {
        let mut ledger = Ledger::default();
        let a = ledger.accepted();
        drop(ledger.join());
        let mut second = ledger.join().unwrap();
        assert!(!is_finished(&mut second));
        ledger.ended(a, None);
        assert!(is_finished(&mut second));
    }

    #[test]
    fn every_job_is_in_exactly_one_state() {
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
        assert_eq!((stats.submitted(), stats.finished()), (6, 4));
    }
}
