//! The benches: the same work on each runtime, with a process for every sample, in random order.

#[cfg(all(feature = "bench", not(test)))]
mod http;
mod load;
mod rt;
pub mod run;
pub mod server;
pub mod stats;
mod workloads;

use serde::{Deserialize, Serialize};

use crate::catalog::Unknown;
pub use workloads::{Sample, Setting};

/// A runtime, or the control, that does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    Tokio,
    AsyncStd,
    Smol,
    /// What the runtimes are compared with: the same work without a runtime.
    Control,
}

impl Contestant {
    pub const ALL: [Self; 4] = [Self::Tokio, Self::AsyncStd, Self::Smol, Self::Control];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
            Self::Control => "control",
        }
    }

    /// Returns the default number of worker threads on a machine with this many cores. The behaviour
    /// `worker-threads` shows these numbers. A control has no worker threads.
    pub fn own_threads(self, cores: usize) -> Option<usize> {
        match self {
            Self::Tokio | Self::AsyncStd => Some(cores),
            Self::Smol => Some(1),
            Self::Control => None,
        }
    }
}

/// Finds a contestant by name.
///
/// # Errors
/// Returns `Unknown` if no contestant has this name.
pub fn find_contestant(name: &str) -> Result<Contestant, Unknown> {
    let found = Contestant::ALL.into_iter().find(|contestant| contestant.name() == name);
    found.ok_or_else(|| Unknown::new("contestant", name, &Contestant::ALL.map(Contestant::name)))
}

/// A workload, and what we expect of it.
pub struct Workload {
    pub name: &'static str,
    /// What it measures.
    pub what: &'static str,
    /// What we expect, and by which mechanism.
    pub expected: &'static str,
    /// Whether it is part of a run with `--quick`.
    pub is_quick: bool,
    /// What its control is, or an empty string if it has none.
    pub control: &'static str,
    /// The function for each contestant. `None` if it was left out of this build, or if there is no such
    /// control.
    work: [Option<Work>; 4],
}

type Work = fn(Setting) -> Sample;

impl Workload {
    /// Returns the function that does the work on a contestant.
    pub fn of(&self, contestant: Contestant) -> Option<Work> {
        self.work[contestant as usize]
    }
}

/// The function for a contestant, or `None` if one of these features is off.
macro_rules! work {
    ($work:expr, $($feature:literal)*) => {{
        #[cfg(all($(feature = $feature,)* not(test)))]
        let work: Option<Work> = Some($work);
        #[cfg(not(all($(feature = $feature,)* not(test))))]
        let work: Option<Work> = None;
        work
    }};
}

/// Lists the workloads. Each entry has the name; `quick` if it is part of a run with `--quick`; the
/// function, and the feature it needs; what the control is, and its function; what is measured; and what
/// we expect.
macro_rules! workloads {
    (@is_quick quick) => { true };
    (@is_quick full) => { false };
    ($(
        $name:literal $when:ident $module:ident::$work:ident $(if $feature:literal)?,
        control $control:literal $by:expr;
        $what:literal
        $expected:literal
    )*) => {
        /// All workloads, in the order of the tables.
        pub static WORKLOADS: &[Workload] = &[$(Workload {
            name: $name,
            what: $what,
            expected: $expected,
            is_quick: workloads!(@is_quick $when),
            control: $control,
            work: [
                work!($module::$work::<rt::tokio::Tokio>, "tokio" $($feature)?),
                work!($module::$work::<rt::async_std::AsyncStd>, "async-std" $($feature)?),
                work!($module::$work::<rt::smol::Smol>, "smol" $($feature)?),
                $by,
            ],
        }),*];
    };
}

/// The same function on plain threads.
macro_rules! threads {
    ($work:ident) => {
        Some(workloads::$work::<rt::threads::Threads>)
    };
}

workloads! {
    "start-stop" quick workloads::start_stop, control "threads" threads!(start_stop);
        "Starts the runtime, awaits one task, and stops it."
        "Starting threads is most of it: Tokio's workers; in the others the executor's and one for \
         sockets and timers. Tokio stops its workers and waits for them, the others leave theirs. The \
         control starts two threads."

    "spawn-one" quick workloads::spawn_one, control "plain call" Some(workloads::plain_call);
        "Spawns a task and awaits it, again and again."
        "An allocation, and a way through the queue, which may wake another thread: with one thread it \
         cannot. The control is an async function that is called and awaited, which is no task at all."

    "spawn-many" full workloads::spawn_many, control "join_all" work!(workloads::joined, "bench");
        "Spawns 100,000 tasks from one, then awaits them all."
        "A worker of Tokio has room for 256 in its own queue; what is more goes to the shared one under a \
         lock. async-executor pushes to one shared queue without a lock, but notes each task in a list \
         under a lock, when it is spawned and when it ends. The control is one task: \
         `join_all` allocates for each future, too, and has a queue of its own, but wakes nobody."

    "yield" quick workloads::yield_now, control "threads" threads!(yield_now);
        "One task that yields."
        "To the end of the queue and back; Tokio looks at its driver before it goes on. The control \
         yields a thread, by a call of the system."

    "ping-pong" quick workloads::ping_pong, control "threads" threads!(ping_pong);
        "Two tasks that send a number to and fro."
        "Two wake-ups a round. Tokio runs who was woken last next, on the same thread. The others may \
         wake another thread for it. Threads need a switch by the system for each."

    "channel" full workloads::channel, control "threads" threads!(channel);
        "Four producers and one consumer on a bounded channel with room for 128."
        "Tokio's counts its room by a fair semaphore, and each operation against a budget. The others' \
         is a ring without locks, and who waits for room is not served in order."

    "lock-free" full workloads::lock_free, control "threads" threads!(lock_free);
        "Takes a lock that nobody else wants."
        "std's and async-lock's are taken and given back by an atomic operation each; async-lock also \
         looks for who waits. Tokio's is a semaphore, and its budget makes the task yield every 128 \
         times."

    "lock-contended" full workloads::lock_contended, control "threads" threads!(lock_contended);
        "Four tasks that want the same lock, and hold it over a yield, so that they meet."
        "Tokio hands it on in order, with a wake-up each time; async-lock lets whoever runs take it again, \
         which is quicker and less fair: see the behaviour `mutex-order`. std's does so too, but threads \
         yield and wait by calls of the system."

    "sleep" full workloads::sleep, control "threads" threads!(sleep);
        "How much too late sleeps end, of a hundred of each length. For the longer ones, ten and 25 \
         tasks sleep at once, out of step."
        "Tokio rounds up to its next tick of a millisecond, and the time it waits in the system up to \
         another: up to two in all, and the wake-up on top. async-io and threads ask the system for the exact time."

    "timers" full workloads::timers, control "" None;
        "100,000 tasks that sleep at the same time, for a quarter of a second to half of one; how long \
         all of it takes, spawning included, and how late they are."
        "Tokio's wheel takes a timer in constant time, under one lock, and wakes all of a millisecond \
         together: less CPU, and more lateness. async-io keeps a sorted map, of exact times."

    "memory" full workloads::memory, control "" None;
        "A million tasks that all sleep for an hour: the memory of each, as the slope from a quarter of \
         them to all. The handles are kept, and count; the size of the bare future is there to compare."
        "The future, a header of the task, what the executor keeps of it, and an entry of the timer: \
         Tokio has that within the future, and aligns tasks to 128 bytes; async-io has it in a map. \
         async-std's sleep is a time-out around a future that never ends."

    "memory-joined" full workloads::memory_joined if "bench", control "" None;
        "As many sleeping futures in four tasks, by `join_all`: the memory of each."
        "In place of a task each has a node in the queue of `join_all`, and a place in its list of \
         results."

    "blocking" quick workloads::blocking, control "threads" threads!(blocking);
        "A call on a thread that may block, there and back."
        "Two switches between threads, which is nearly all of it. The control has no pool: a thread has \
         to be made each time."

    "echo-1" full workloads::echo_1, control "threads" threads!(echo_1);
        "64 bytes to a server and back, over one connection; both ends are in the same runtime."
        "Tokio runs both ends on one thread. async-executor wakes another thread for each event, and one \
         more to look for work: with two threads, every message goes from core to core, as in the \
         control. With one thread it does not."

    "echo-64" quick workloads::echo_64, control "threads" threads!(echo_64);
        "64 bytes to a server and back, over 64 connections at once."
        "With all threads busy nobody has to be woken. Tokio registers a socket once; async-io asks for \
         each event anew, and reads before it asks."

    "echo-512" full workloads::echo_512, control "threads" threads!(echo_512);
        "64 bytes to a server and back, over 512 connections at once."
        "As with 64. Threads need a stack each, and a switch by the system for each message."

    "http-hyper" quick http::hyper if "bench", control "threads" work!(http::blocking, "bench");
        "GET of 1 KiB by hyper, which is the same on all three, over 16 connections at once. The server's \
         threads, in another process, share the cores: the CPU a request tells more than the rate."
        "hyper's own work outweighs what the runtimes differ by. smol-hyper clears hyper's buffer before \
         each read. The control writes a request and reads the answer, and knows no more of HTTP."

    "http-own" full http::own if "bench", control "threads" work!(http::blocking, "bench");
        "The same with an HTTP client in the idiom of each runtime: reqwest, surf, and on smol hyper once \
         more. This is not the same work: reqwest and surf keep a pool of connections and parse URLs, and \
         reqwest can follow redirects. smol has no client of its own; isahc, for example, runs on it, too."
        "reqwest is built on hyper and does more. surf is async-h1, on boxed futures and streams, in the \
         task of the request. It leaves Nagle's algorithm on, probes a pooled connection with a read before \
         each request, and starts a timer of 60 s for each. smol's row shows what the same work gives twice."

    "file" full workloads::file, control "threads" threads!(file);
        "Reads a file of 1 MiB, which is in the system's cache."
        "No runtime here reads files without a thread: a call on a blocking thread, and the read."
}

/// Finds workloads by name. Without names, returns all of them, or those for a quick run.
///
/// # Errors
/// Returns `Unknown` for the first name that no workload has.
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
