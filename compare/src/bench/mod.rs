//! What the runtimes cost: the same work on each, a process for every sample, in random order.

pub mod machine;
mod rt;
pub mod run;
pub mod stats;
mod workloads;

use serde::{Deserialize, Serialize};

use crate::catalog::Unknown;
pub use workloads::{Sample, Setting};

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    Tokio,
    AsyncStd,
    Smol,
    /// The control: plain threads, and calls that block.
    Threads,
}

impl Contestant {
    pub const ALL: [Self; 4] = [Self::Tokio, Self::AsyncStd, Self::Smol, Self::Threads];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
            Self::Threads => "threads",
        }
    }
}

/// Finds a contestant by name.
pub fn find_contestant(name: &str) -> Result<Contestant, Unknown> {
    let found = Contestant::ALL.into_iter().find(|contestant| contestant.name() == name);
    found.ok_or_else(|| Unknown::new("contestant", name, &Contestant::ALL.map(Contestant::name)))
}

/// Some work, and what is expected of it.
pub struct Workload {
    pub name: &'static str,
    /// What it measures.
    pub what: &'static str,
    /// What is expected, and by which mechanism.
    pub expected: &'static str,
    /// One of the handful for a quick look.
    pub is_quick: bool,
    /// `None` where it was left out of this build, or makes no sense.
    work: [Option<Work>; 4],
}

type Work = fn(Setting) -> Sample;

impl Workload {
    /// The work of a contestant.
    pub fn of(&self, contestant: Contestant) -> Option<Work> {
        self.work[contestant as usize]
    }
}

macro_rules! contestant {
    ($feature:literal, $work:ident, $runtime:path) => {{
        #[cfg(feature = $feature)]
        let work: Option<Work> = Some(workloads::$work::<$runtime>);
        #[cfg(not(feature = $feature))]
        let work: Option<Work> = None;
        work
    }};
}

macro_rules! workloads {
    ($($name:literal $work:ident $quick:literal $threads:expr, $what:literal, $expected:literal;)*) => {
        /// All of them, in the order of the tables.
        pub static WORKLOADS: &[Workload] = &[$(Workload {
            name: $name,
            what: $what,
            expected: $expected,
            is_quick: $quick,
            work: [
                contestant!("tokio", $work, rt::tokio::Tokio),
                contestant!("async-std", $work, rt::async_std::AsyncStd),
                contestant!("smol", $work, rt::smol::Smol),
                $threads,
            ],
        }),*];
    };
}

/// The control of a workload.
macro_rules! threads {
    ($work:ident) => {
        Some(workloads::$work::<rt::threads::Threads>)
    };
}

workloads! {
    "start-stop" start_stop true threads!(start_stop),
        "Starts the runtime, awaits one task, and stops it.",
        "Tokio starts a worker for each core and stops them; the others start threads and leave them.";
    "spawn-one" spawn_one true None,
        "Spawns a task and awaits it, again and again.",
        "One allocation a task and no switch of threads: a fraction of a microsecond where the task may \
         stay on its thread.";
    "spawn-many" spawn_many false None,
        "Spawns 100,000 tasks, then awaits them all.",
        "Tokio has a queue for each worker; async-executor pushes to one that is shared.";
    "yield" yield_now true threads!(yield_now),
        "One task that yields.",
        "To the end of the queue and back; Tokio looks at its drivers each time.";
    "ping-pong" ping_pong true threads!(ping_pong),
        "Two tasks that send a number to and fro.",
        "Two wake-ups a round. Threads need a switch by the system for each.";
    "channel" channel false threads!(channel),
        "Four producers and one consumer on a bounded channel with room for 128.",
        "Tokio's has one consumer and so less to protect; that of the others allows many.";
    "lock-free" lock_free false threads!(lock_free),
        "Takes a lock that nobody else wants.",
        "async-lock needs one atomic operation; Tokio's is a semaphore, and a budget is counted.";
    "lock-contended" lock_contended false threads!(lock_contended),
        "Four tasks that want the same lock all the time.",
        "Tokio hands it on in order, with a wake-up each time; async-lock lets whoever runs take it.";
    "sleep" sleep false threads!(sleep),
        "Sleeps, one after the other: how much too late they end.",
        "Tokio rounds up to a slot of a millisecond; async-io and threads ask the system for the exact \
         time.";
    "timers" timers false None,
        "100,000 tasks that sleep at the same time, for half a second to a whole one.",
        "Tokio's wheel adds a timer in constant time; async-io keeps a sorted map.";
    "memory" memory false None,
        "A million tasks that all sleep for an hour: the resident memory of each, as the slope from half \
         of them to all.",
        "The future, a header of the task, and an entry of the timer; Tokio keeps that within the \
         future, async-io in a map of its own.";
    "blocking" blocking true threads!(blocking),
        "A call on a thread that may block, there and back.",
        "Two switches between threads; without a pool, a thread has to be made each time.";
    "echo-1" echo_1 false threads!(echo_1),
        "64 bytes to a server and back, over one connection.",
        "The system's work outweighs the runtime's.";
    "echo-64" echo_64 true threads!(echo_64),
        "64 bytes to a server and back, over 64 connections at once.",
        "With many sockets ready, one look at the driver serves many of them.";
    "echo-512" echo_512 false threads!(echo_512),
        "64 bytes to a server and back, over 512 connections at once.",
        "As with 64. Threads need a stack each, and a switch for each message.";
    "file" file false threads!(file),
        "Reads a file of 1 MiB.",
        "No runtime here reads files without a thread: a call on a blocking thread, and the read.";
}

/// Finds workloads by name; for no names, all, or the handful for a quick look.
pub fn find(names: &[String], quick: bool) -> Result<Vec<&'static Workload>, Unknown> {
    if names.is_empty() {
        return Ok(WORKLOADS.iter().filter(|workload| workload.is_quick || !quick).collect());
    }
    let find = |name: &String| {
        WORKLOADS.iter().find(|workload| workload.name == name).ok_or_else(|| {
            let known: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
            Unknown::new("workload", name, &known)
        })
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(feature = "tokio", feature = "async-std", feature = "smol"))]
    #[test]
    fn every_workload_does_the_same_work_on_every_contestant() {
        let setting = Setting { threads: None, is_small: true };
        for workload in
            WORKLOADS.iter().filter(|workload| !["timers", "memory"].contains(&workload.name))
        {
            let samples =
                Contestant::ALL.map(|contestant| workload.of(contestant).map(|w| w(setting)));
            let samples: Vec<_> = samples.into_iter().flatten().collect();
            assert!(samples.len() >= 3, "{}", workload.name);
            for sample in &samples {
                assert_eq!(sample.checksum, samples[0].checksum, "{}", workload.name);
                assert!(sample.metrics.keys().eq(samples[0].metrics.keys()), "{}", workload.name);
                assert!(sample.metrics.values().all(|value| value.is_finite() && *value >= 0.0));
            }
        }
    }
}
