//! What has become of the jobs: the figures of `stats`, and what `join` waits for.
//!
//! Every job is entered when it is accepted, and crossed out when it is over. A `join` draws a line
//! under the entries so far, and waits until nothing above its line is left.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::job::JobError;

/// How many jobs there are in each state. Whatever is submitted ends in one of the last four.
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

/// The ledger of a pool, shared by the pool, its workers and its jobs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// An ordinary lock: it is held for a few instructions, and never across an `.await`.
    book: Mutex<Book>,
    /// The number of the first section that is not over.
    first_open: watch::Sender<u64>,
}

#[derive(Debug)]
struct Book {
    stats: Stats,
    /// The jobs that are not over in each section between two lines, from the first that is not
    /// over to the present one.
    sections: VecDeque<u64>,
    /// The number of the first of them.
    first: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self { stats: Stats::default(), sections: VecDeque::from([0]), first: 0 }
    }
}

/// Where a job is entered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    section: u64,
    running: bool,
}

/// The open book.
pub(crate) struct OpenBook<'a> {
    book: MutexGuard<'a, Book>,
    first_open: &'a watch::Sender<u64>,
}

impl Ledger {
    pub(crate) fn open(&self) -> OpenBook<'_> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        OpenBook { book, first_open: &self.first_open }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.open().book.stats
    }

    /// Draws a line, and waits until every job entered above it is over.
    pub(crate) async fn join(&self) {
        let section = self.open().draw_line();
        // An error would mean that the sender is gone; `self` holds it.
        let _ = self.first_open.subscribe().wait_for(|first| *first > section).await;
    }
}

impl OpenBook<'_> {
    /// Enters a job.
    pub(crate) fn accept(&mut self) -> Entry {
        let book = &mut *self.book;
        book.stats.queued += 1;
        let present = book.sections.len() - 1;
        book.sections[present] += 1;
        Entry { section: book.first + present as u64, running: false }
    }

    /// A worker has taken the job.
    pub(crate) fn start(&mut self, entry: &mut Entry) {
        entry.running = true;
        self.book.stats.queued -= 1;
        self.book.stats.running += 1;
    }

    /// The job is over, with a value or with this error.
    pub(crate) fn end(&mut self, entry: Entry, error: Option<&JobError>) {
        let book = &mut *self.book;
        let stats = &mut book.stats;
        *(if entry.running { &mut stats.running } else { &mut stats.queued }) -= 1;
        *match error {
            None => &mut stats.ok,
            Some(JobError::Panicked(_)) => &mut stats.panicked,
            Some(JobError::TimedOut) => &mut stats.timed_out,
            Some(JobError::Cancelled) => &mut stats.cancelled,
        } += 1;
        book.sections[(entry.section - book.first) as usize] -= 1;
        self.close_sections();
    }

    /// Begins a new section, and returns the number of the one that ends here.
    fn draw_line(&mut self) -> u64 {
        let ended = self.book.first + self.book.sections.len() as u64 - 1;
        self.book.sections.push_back(0);
        self.close_sections();
        ended
    }

    /// Leaves the sections behind that are over, except the present one.
    fn close_sections(&mut self) {
        let book = &mut *self.book;
        let before = book.first;
        while book.sections.len() > 1 && book.sections[0] == 0 {
            book.sections.pop_front();
            book.first += 1;
        }
        if book.first != before {
            self.first_open.send_replace(book.first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the first section that is not over.
    fn first_open(ledger: &Ledger) -> u64 {
        *ledger.first_open.borrow()
    }

    #[test]
    fn a_section_is_over_when_its_jobs_and_all_before_them_are() {
        let ledger = Ledger::default();
        let a = ledger.open().accept();
        assert_eq!(ledger.open().draw_line(), 0);
        let b = ledger.open().accept();
        assert_eq!(ledger.open().draw_line(), 1);
        let c = ledger.open().accept();

        ledger.open().end(b, None);
        assert_eq!(first_open(&ledger), 0, "`a` is still there");
        ledger.open().end(a, None);
        assert_eq!(first_open(&ledger), 2, "both sections at once");
        ledger.open().end(c, None);
        assert_eq!(first_open(&ledger), 2, "the present section stays open");
        assert_eq!(ledger.open().draw_line(), 2);
        assert_eq!(first_open(&ledger), 3, "nothing was in it");
    }

    #[test]
    fn every_job_is_in_one_state() {
        let ledger = Ledger::default();
        let mut entries: Vec<_> = (0..5).map(|_| ledger.open().accept()).collect();
        for entry in &mut entries[..4] {
            ledger.open().start(entry);
        }
        let errors = [None, Some(JobError::Panicked("".into())), Some(JobError::TimedOut)];
        for (entry, error) in entries.iter().zip(&errors) {
            ledger.open().end(*entry, error.as_ref());
        }
        ledger.open().end(entries[4], Some(&JobError::Cancelled));
        let expected =
            Stats { queued: 0, running: 1, ok: 1, panicked: 1, timed_out: 1, cancelled: 1 };
        assert_eq!(ledger.stats(), expected);
        assert_eq!((ledger.stats().submitted(), ledger.stats().over()), (5, 4));
    }
}
