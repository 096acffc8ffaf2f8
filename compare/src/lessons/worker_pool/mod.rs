//! The contract of `worker-pool`: every job has a result, at most N jobs run at a time, and a panic
//! stays in its job.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde::{Deserialize, Serialize};

use crate::serve::{Scene, Stage};

#[cfg(all(feature = "async-std", not(test)))]
pub mod on_async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod on_smol;
#[cfg(all(feature = "tokio", not(test)))]
pub mod on_tokio;

#[derive(Serialize, Deserialize)]
pub struct Input {
    pub jobs: u64,
    pub workers: usize,
    pub work_ms: u64,
    /// The job that panics.
    pub bug: u64,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    /// The square of each job's number, in order. `None` for the job that panicked.
    pub squares: Vec<Option<u64>>,
    /// The largest number of jobs that ran at the same time.
    pub most_at_once: usize,
    /// The number of workers that were still alive at the end.
    pub workers_at_the_end: usize,
}

pub fn input(_: &Stage, _: &Scene) -> Input {
    Input { jobs: 10, workers: 3, work_ms: 50, bug: 4 }
}

pub fn expected(input: &Input) -> Answer {
    let square = |job| (job != input.bug).then_some(job * job);
    Answer {
        squares: (1..=input.jobs).map(square).collect(),
        most_at_once: input.workers,
        workers_at_the_end: input.workers,
    }
}

/// Counts how many jobs run at the same time.
#[derive(Default)]
pub struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    pub fn enter(&self) {
        self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
    }

    pub fn leave(&self) {
        self.now.fetch_sub(1, SeqCst);
    }

    pub fn most(&self) -> usize {
        self.most.load(SeqCst)
    }
}
