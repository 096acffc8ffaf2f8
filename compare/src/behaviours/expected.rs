//! What the experiments should see, and why. It is kept apart from them, so that neither is written to
//! fit the other: an answer that differs is marked in the table, and the exit status is 1.

use super::From;
use crate::catalog::Runtime;

/// What is expected of one experiment.
pub struct Expected {
    pub name: &'static str,
    /// In the order tokio, async-std, smol.
    pub answers: [&'static str; 3],
    /// The answers to a spawned task, if they are not the same.
    pub in_task: Option<[&'static str; 3]>,
    /// The mechanism behind it.
    pub why: &'static str,
}

impl Expected {
    /// The answer that a runtime should give.
    pub fn answer(&self, runtime: Runtime, asked_from: From) -> &'static str {
        let answers = match asked_from {
            From::Task => self.in_task.unwrap_or(self.answers),
            From::Root => self.answers,
        };
        answers[runtime as usize]
    }
}

pub static EXPECTED: &[Expected] = &[
    Expected {
        name: "dropped-handle",
        answers: ["the task continues", "the task continues", "the task is cancelled"],
        in_task: None,
        why: "smol's `Task` owns the task: dropping it cancels the task, and `detach` lets it continue. \
              The handles of Tokio and async-std only watch.",
    },
    Expected {
        name: "panic-awaited",
        answers: [
            "awaiting the handle returns an error: JoinError",
            "the panic unwinds into the awaiter",
            "the panic unwinds into the awaiter",
        ],
        in_task: None,
        why: "All three catch the panic in the task. Tokio returns it as an error of the handle. \
              async-task, on which the other two are built, resumes it in the future that awaits the \
              handle.",
    },
    Expected {
        name: "panic-detached",
        answers: ["the others continue", "the others continue", "the others continue"],
        in_task: None,
        why: "All three catch the panic in the task. The panic hook prints its message, and the payload \
              is dropped. The program only ends if panics abort.",
    },
    Expected {
        name: "pending-at-exit",
        answers: [
            "tasks are dropped at their `.await`",
            "tasks are not dropped",
            "tasks are not dropped",
        ],
        in_task: None,
        why: "Tokio's runtime is a value, and dropping it drops its tasks. The global executors of \
              async-std and smol are never dropped. (An `Executor` of smol's that you own is, with its \
              tasks.)",
    },
    Expected {
        name: "drop-while-blocking",
        answers: [
            "the runtime waits for the call",
            "the call is not waited for",
            "the call is not waited for",
        ],
        in_task: None,
        why: "A Tokio runtime that is dropped waits for blocking calls that have begun, unless it is \
              shut down by `shutdown_timeout` or `shutdown_background`. It drops those that have not \
              begun. The others have nothing to drop, and `main` ends the process.",
    },
    Expected {
        name: "cancelled-task",
        answers: [
            "before, Drop; its handle says so: true",
            "before, Drop; its handle says so: true",
            "before, Drop; its handle says so: true",
        ],
        in_task: None,
        why: "Cancelling a task drops its future. Tokio's `abort` only asks for that, and awaiting the \
              handle waits for it; `cancel().await` does both.",
    },
    Expected {
        name: "worker-threads",
        answers: ["one per core", "one per core", "one"],
        in_task: None,
        why: "smol's global executor has one thread unless SMOL_THREADS asks for more.",
    },
    Expected {
        name: "blocked-worker",
        answers: ["the other tasks continue", "the other tasks continue", "all other tasks wait"],
        in_task: None,
        why: "smol's only worker thread is blocked, and only the root future, which has the thread of \
              `main`, still runs. The other two stop in the same way when as many tasks block as there \
              are threads. On Tokio one more task has to wait: the one that the blocking task has \
              spawned or woken last (see `spawned-before-await`).",
    },
    Expected {
        name: "spawned-before-await",
        answers: [
            "it runs immediately, on another thread",
            "it runs immediately, on another thread",
            "it runs immediately, on another thread",
        ],
        in_task: Some([
            "it does not run before the next `.await`",
            "it runs immediately, on another thread",
            "it does not run before the next `.await`",
        ]),
        why: "The root future has the thread of `main`, and all three have other threads for tasks. In \
              a task, Tokio puts the newest child in the LIFO slot of its worker, from which no other \
              worker takes it. On smol there is no other worker by default. On asyncio and on Tokio's \
              current_thread runtime, a child always waits for the next `.await`.",
    },
    Expected {
        name: "short-sleeps",
        answers: [
            "half a millisecond or more",
            "less than half a millisecond",
            "less than half a millisecond",
        ],
        in_task: None,
        why: "Tokio keeps its timers in a wheel with one slot for each millisecond since its start, and \
              rounds up to the next slot. async-io, on which the other two are built, waits for the \
              exact time.",
    },
    Expected {
        name: "mutex-order",
        answers: [
            "strictly fair: first come, first served",
            "eventually fair: a later caller may get it first",
            "eventually fair: a later caller may get it first",
        ],
        in_task: None,
        why: "Tokio's mutex hands the lock to the first in its queue. That of async-lock is free after a \
              release, so whoever asks next may take it. It is handed over only to a future that has \
              waited for more than half a millisecond without success.",
    },
    Expected {
        name: "futurelock",
        answers: ["the task waits forever", "the task gets the lock", "the task gets the lock"],
        in_task: None,
        why: "Tokio's mutex hands the lock to the first in its queue, which is the future that is no \
              longer polled. The task queues behind a future that only it could poll. async-lock leaves \
              the lock free, so the task takes it; but if another task held the lock at that moment, \
              the next release could notify only the abandoned future, and the task would hang as well. \
              On all three: drop a future that you no longer poll.",
    },
    Expected {
        name: "timeout-without-yield",
        answers: [
            "it ends late, with its value",
            "it ends late, with its value",
            "it ends late, with its value",
        ],
        in_task: None,
        why: "A timeout is checked when the future yields. Nothing can stop a future that does not.",
    },
    Expected {
        name: "timeout-always-ready",
        answers: ["the timeout ends it", "the timeout never fires", "the timeout never fires"],
        in_task: None,
        why: "An `.await` that is ready does not yield. Tokio gives each task a budget of 128 operations \
              on its own locks, channels and sockets, and makes the next one yield. async-std and smol \
              have no such budget, and neither have locks and channels from other crates on Tokio. \
              There, call `yield_now` in such a loop.",
    },
    Expected {
        name: "fairness",
        answers: ["it does", "it does", "it does"],
        in_task: None,
        why: "A task that yields goes to the end of a queue. Tokio's workers check timers and I/O at \
              intervals while there is work. In the others an idle thread usually does; without one, a \
              worker thread does between batches of 200 tasks.",
    },
    Expected {
        name: "blocking-pool",
        answers: [
            "512, and the others wait for a thread",
            "500, and the others wait for a thread",
            "500, and the others wait for a thread",
        ],
        in_task: None,
        why: "These are the limits of Tokio and of the crate `blocking`, on which the other two are \
              built. A call beyond the limit waits silently.",
    },
    Expected {
        name: "nested-block-on",
        answers: ["it panics", "it works", "it works"],
        in_task: Some(["it panics", "it works, but hangs if no other worker is free", "it hangs"]),
        why: "Tokio does not let async code block its thread like that; `block_in_place` would allow it \
              on the multi-threaded runtime. On the others, a nested `block_on` blocks the worker \
              thread, and the task that it waits for needs another one. By default, smol has no other.",
    },
    Expected {
        name: "dropped-file",
        answers: ["not all, but a moment later", "they are", "some are lost"],
        in_task: None,
        why: "All of them write on another thread. async-std's file blocks in `drop` until it has \
              written. Tokio finishes the write in the background, and a runtime that is dropped waits \
              for it; `std::process::exit` loses it. smol's file drops what has not been written. So \
              call `flush().await?` before a file is dropped.",
    },
    Expected {
        name: "failed-write",
        answers: ["neither does: both return Ok", "one of them does", "one of them does"],
        in_task: None,
        why: "All of them write in the background, so `write_all` may return before the write has failed. \
              Then `sync_all` reports the error on async-std and smol. Tokio keeps the error for the next write or `flush`, and `sync_all` is neither. So call \
              `flush().await?` before `sync_all().await?`.",
    },
    Expected {
        name: "tokio-sleep-elsewhere",
        answers: ["it works", "it panics", "it panics"],
        in_task: None,
        why: "It looks for its runtime in a thread-local variable, and there is none.",
    },
    Expected {
        name: "tokio-tcp-elsewhere",
        answers: ["it works", "it panics", "it panics"],
        in_task: None,
        why: "The socket registers with the driver of its runtime, and there is none.",
    },
    Expected {
        name: "tokio-tcp-entered",
        answers: ["it works", "it panics", "it panics"],
        in_task: None,
        why: "An async function does nothing until it is polled. It looks for its Tokio at that moment, \
              and not when it is called.",
    },
    Expected {
        name: "tokio-by-compat",
        answers: ["it works", "it works", "it works"],
        in_task: None,
        why: "async-compat starts a Tokio next to the runtime, unless it is in one already, and enters \
              it at each poll.",
    },
    Expected {
        name: "tokio-by-handle",
        answers: ["it works", "it works", "it works"],
        in_task: None,
        why: "Tokio polls what is spawned on it. A sleep belongs to the Tokio in which it was made, and \
              can be awaited anywhere.",
    },
    Expected {
        name: "smol-elsewhere",
        answers: ["it works", "it works", "it works"],
        in_task: None,
        why: "async-io starts a thread of its own when it is first used, on any runtime.",
    },
];
