//! The benches measure the same work on each runtime. Each sample is taken in a separate process,
//! and the contestants run in random order.

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

/// A runtime that does the work, or the control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    Tokio,
    AsyncStd,
    Smol,
    /// The same work without a runtime, for comparison.
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

    /// Returns the default number of worker threads on a machine with this many cores, or `None`
    /// for a control, which has no worker threads. The experiment `worker-threads` confirms these
    /// numbers.
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

/// A workload, and the result that we expect.
pub struct Workload {
    pub name: &'static str,
    /// A description of what the workload measures.
    pub what: &'static str,
    /// The result that we expect, and the mechanism that causes it.
    pub expected: &'static str,
    /// Whether the workload is part of a run with `--quick`.
    pub is_quick: bool,
    /// The name of the control, or an empty string if the workload has none.
    pub control: &'static str,
    /// The function for each contestant. It is `None` if the contestant was left out of this build,
    /// or if the workload has no control.
    work: [Option<Work>; 4],
}

type Work = fn(Setting) -> Sample;

impl Workload {
    /// Returns the function that does the work for a contestant.
    pub fn of(&self, contestant: Contestant) -> Option<Work> {
        self.work[contestant as usize]
    }
}

/// Expands to the function for a contestant, or to `None` if one of the features that it needs is
/// turned off.
macro_rules! work {
    ($work:expr, $($feature:literal)*) => {{
        #[cfg(all($(feature = $feature,)* not(test)))]
        let work: Option<Work> = Some($work);
        #[cfg(not(all($(feature = $feature,)* not(test))))]
        let work: Option<Work> = None;
        work
    }};
}

/// Lists the workloads. Each entry contains, in this order:
///
/// - the name
/// - `quick` if the workload is part of a run with `--quick`, and `full` otherwise
/// - the function, and the feature that it needs, if any
/// - the name of the control, and its function
/// - what is measured
/// - the result that we expect
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

/// Expands to a control: the workload's function, which runs on plain threads.
macro_rules! threads {
    ($work:ident) => {
        Some(workloads::$work::<rt::threads::Threads>)
    };
}

workloads! {
    "start-stop" quick workloads::start_stop, control "threads" threads!(start_stop);
        "Starts the runtime, awaits one task, and stops the runtime."
        "Starting threads takes most of the time. Tokio starts its workers; the other two start \
         the threads of their executor, and one thread for sockets and timers. Tokio stops its \
         workers and waits for them, whereas the other two leave their threads running. The \
         control starts two threads."

    "spawn-one" quick workloads::spawn_one, control "plain call" Some(workloads::plain_call);
        "Spawns a task and awaits it, again and again."
        "Each task needs an allocation and passes through the queue, which may wake another \
         thread. With one thread, there is no other thread to wake. The control calls and awaits \
         an async function, without any task."

    "spawn-many" full workloads::spawn_many, control "join_all" work!(workloads::joined, "bench");
        "Spawns 100,000 tasks from one task, then awaits them all."
        "The local queue of a Tokio worker has room for 256 tasks. When it is full, tasks move to \
         the shared queue, which is behind a lock. async-executor pushes to one shared queue \
         without a lock, but it takes a lock to update its list of tasks whenever a task is \
         spawned or ends. The \
         control is a single task: `join_all` also allocates for each future, and has its own \
         queue, but it wakes no thread."

    "yield" quick workloads::yield_now, control "threads" threads!(yield_now);
        "Yields in one task, again and again."
        "The task is put at the end of the queue and then taken out again. Tokio checks its \
         driver before it resumes the task. In the control, a thread yields, which is a system \
         call."

    "ping-pong" quick workloads::ping_pong, control "threads" threads!(ping_pong);
        "Sends a number back and forth between two tasks."
        "Each round has two wake-ups. On Tokio, the task that was woken last runs next, on the \
         same thread. The other two may wake another thread to run it. Threads need a context \
         switch for each wake-up."

    "channel" full workloads::channel, control "threads" threads!(channel);
        "Sends messages from four producers to one consumer, over a bounded channel with room for \
         128 messages."
        "Tokio's channel counts its free places with a fair semaphore, and charges each operation \
         to the task's budget. The channel of the other two is a lock-free ring buffer, which \
         does not serve waiting senders in order."

    "lock-free" full workloads::lock_free, control "threads" threads!(lock_free);
        "Takes a lock that no other task uses."
        "std's and async-lock's locks need one atomic operation to acquire the lock and one to \
         release it. async-lock also checks for waiters. Tokio's lock is a semaphore, and the \
         task's budget makes the task yield after every 128 operations."

    "lock-contended" full workloads::lock_contended, control "threads" threads!(lock_contended);
        "Runs four tasks that take the same lock, and hold it while they yield, so that they \
         compete for it."
        "Tokio hands the lock over to the waiting tasks in order, with a wake-up each time. \
         async-lock lets the task that is running take the lock again, which is faster and \
         less fair: see the behaviour `mutex-order`. std's lock does the same, but threads \
         need system calls to yield and to wait."

    "sleep" full workloads::sleep, control "threads" threads!(sleep);
        "Sleeps a hundred times for each of three durations, and measures how late the sleeps \
         end. For the longer durations, 10 and 25 tasks sleep concurrently, and start at \
         different times."
        "Tokio rounds the end of a sleep up to the next millisecond of its clock, and then also \
         rounds up the time for which it waits in the system call. So a sleep can be up to two \
         milliseconds late, plus the time of the wake-up. async-io and threads ask the system for \
         the exact time."

    "timers" full workloads::timers, control "" None;
        "Runs 100,000 tasks that sleep concurrently, each for a quarter to half of a second. \
         Measures how long everything takes, including spawning, and how late the sleeps end."
        "Tokio's timer wheel adds a timer in constant time, under one lock, and fires all timers \
         of the same millisecond together. That needs less CPU time, but the sleeps end later. \
         async-io keeps a sorted map of exact times."

    "memory" full workloads::memory, control "" None;
        "Runs a million tasks that all sleep for an hour. The memory for each task is the slope \
         of the memory usage, from a quarter of the tasks to all of them. It includes the tasks' \
         handles, which we keep. The size of the bare future is shown for comparison."
        "Each task needs memory for its future, a header, the executor's record of the task, and \
         an entry for its timer. Tokio keeps the timer entry within the future, and aligns tasks \
         to 128 bytes. async-io keeps the entry in a map. async-std's sleep is a timeout around a \
         future that never ends."

    "memory-joined" full workloads::memory_joined if "bench", control "" None;
        "Runs the same number of sleeping futures as `memory`, but in only four tasks, with \
         `join_all`. Measures the memory for each future."
        "Instead of a task, each future has a node in `join_all`'s queue, and a place in the list \
         of results."

    "blocking" quick workloads::blocking, control "threads" threads!(blocking);
        "Makes a call on a blocking thread, and waits for its result."
        "Two switches between threads take nearly all of the time. The control has no pool, so it \
         creates a thread for each call."

    "echo-1" full workloads::echo_1, control "threads" threads!(echo_1);
        "Sends 64 bytes to a server and back, over one connection. Both ends are in the same \
         runtime."
        "Tokio runs both ends on one thread. async-executor wakes another thread for each event, \
         and one more to look for work. So with two threads, every message moves from core to \
         core, as it does in the control. With one thread, messages stay on one core."

    "echo-64" quick workloads::echo_64, control "threads" threads!(echo_64);
        "Sends 64 bytes to a server and back, over 64 concurrent connections."
        "All threads are busy, so none has to be woken. Tokio registers a socket with the system \
         once. async-io registers its interest again for each event, and tries to read before it \
         registers."

    "echo-512" full workloads::echo_512, control "threads" threads!(echo_512);
        "Sends 64 bytes to a server and back, over 512 concurrent connections."
        "We expect the same as for `echo-64`. In the control, each thread also needs a stack, \
         and each message needs a context switch."

    "http-hyper" quick http::hyper if "bench", control "threads" work!(http::blocking, "bench");
        "Sends GET requests for 1 KiB with hyper, which is the same on all three runtimes, over \
         16 concurrent connections. The server's threads are in another process but share the \
         cores, so the CPU time per request says more than the rate."
        "hyper's own work outweighs the differences between the runtimes. smol-hyper clears \
         hyper's buffer before each read. The control writes a request and reads the answer, and \
         implements no more of HTTP than that."

    "http-own" full http::own if "bench", control "threads" work!(http::blocking, "bench");
        "Sends the same requests with the HTTP client that is idiomatic on each runtime: reqwest, \
         surf, and hyper again on smol. smol does not come with an HTTP client; isahc, for \
         example, also runs on smol. The clients don't do the same work: reqwest and surf keep a \
         pool of connections and parse URLs, and reqwest can follow redirects."
        "reqwest is built on hyper, and does more. surf is built on async-h1, which uses boxed \
         futures and streams in the task of the request. surf leaves Nagle's algorithm on, probes \
         a pooled connection with a read before each request, and starts a timer of 60 s for each \
         request. smol does the same work here as in `http-hyper`, so its row shows how much two \
         measurements of that work differ."

    "file" full workloads::file, control "threads" threads!(file);
        "Reads a file of 1 MiB that is in the system's cache."
        "All three runtimes read files on a blocking thread. So each read costs a call on such a \
         thread, and the read itself."
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
