//! The answers that we expect from the experiments, and the reasons.
//!
//! We keep the expected answers apart from the experiments, and no experiment reads them, so that
//! neither is written to fit the other. If an answer differs from the expected one, the output
//! marks it, and the exit status is 1.

use super::From;
use crate::catalog::Runtime;

/// The expected answers to one question.
pub struct Expected {
    pub name: &'static str,
    /// The answers of Tokio, async-std and smol, in this order.
    pub answers: [&'static str; 3],
    /// The answers in a spawned task, if they differ from those in the root future.
    pub in_task: Option<[&'static str; 3]>,
    /// The mechanism that causes these answers.
    pub why: &'static str,
}

impl Expected {
    /// Returns the answer that a runtime should give.
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
        why: "smol's `Task` owns the task: dropping the handle cancels the task, and `detach` \
              lets it continue. The handles of Tokio and async-std only observe their task.",
    },
    Expected {
        name: "panic-awaited",
        answers: [
            "awaiting the handle returns an error: JoinError",
            "the panic unwinds into the awaiter",
            "the panic unwinds into the awaiter",
        ],
        in_task: None,
        why: "All three runtimes catch the panic in the task. Tokio returns it to the awaiter \
              as an error. async-task, the crate that the other two are built on, resumes the panic \
              in the future that awaits the handle.",
    },
    Expected {
        name: "panic-detached",
        answers: ["the others continue", "the others continue", "the others continue"],
        in_task: None,
        why: "All three runtimes catch the panic in the task. The panic hook prints the \
              message, and the payload is dropped. The program ends only if panics are \
              configured to abort.",
    },
    Expected {
        name: "pending-at-exit",
        answers: [
            "tasks are dropped at their `.await`",
            "tasks are not dropped",
            "tasks are not dropped",
        ],
        in_task: None,
        why: "Tokio's runtime is a value, and dropping it drops its tasks. The global executors \
              of async-std and smol are never dropped. (If you create your own smol `Executor`, \
              dropping it drops its tasks.)",
    },
    Expected {
        name: "drop-while-blocking",
        answers: [
            "the runtime waits for the call",
            "the runtime does not wait for the call",
            "the runtime does not wait for the call",
        ],
        in_task: None,
        why: "A Tokio runtime that is dropped waits for blocking calls that have started, \
              unless you shut it down with `shutdown_timeout` or `shutdown_background`. Calls that \
              have not started are dropped. async-std and smol have no runtime to drop, and the \
              process ends when `main` returns.",
    },
    Expected {
        name: "cancelled-task",
        answers: [
            "before, Drop; the handle reports the cancellation: true",
            "before, Drop; the handle reports the cancellation: true",
            "before, Drop; the handle reports the cancellation: true",
        ],
        in_task: None,
        why: "Cancelling a task drops its future. On Tokio, `abort` only requests the \
              cancellation, and you have to await the handle to know that the future has been \
              dropped. On async-std and smol, `cancel().await` requests the cancellation and \
              waits for it.",
    },
    Expected {
        name: "worker-threads",
        answers: ["one per core", "one per core", "one"],
        in_task: None,
        why: "smol's global executor has one thread, unless SMOL_THREADS asks for more.",
    },
    Expected {
        name: "blocked-worker",
        answers: ["the other tasks continue", "the other tasks continue", "all other tasks wait"],
        in_task: None,
        why: "smol's only worker thread is blocked. Only the root future continues, because it \
              runs on the main thread. On the other two runtimes, all other tasks wait, too, once \
              as many tasks block as there are worker threads. On Tokio, one more task has to \
              wait: the one that the blocking task spawned or woke last (see \
              `spawned-before-await`).",
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
        why: "The root future runs on the main thread, and all three runtimes have other \
              threads for tasks. If a task spawns a child, Tokio puts the child in the worker's \
              LIFO slot: the worker runs that child next, and no other worker can take it. smol \
              has no other worker by default. On asyncio and on Tokio's current_thread runtime, a \
              child always waits for the next `.await`.",
    },
    Expected {
        name: "short-sleeps",
        answers: [
            "half a millisecond or more",
            "less than half a millisecond",
            "less than half a millisecond",
        ],
        in_task: None,
        why: "Tokio keeps its timers in a wheel with a resolution of one millisecond, and rounds \
              the end of a sleep up to the next millisecond. async-io, the crate that the other \
              two are built on, does not round the time.",
    },
    Expected {
        name: "mutex-order",
        answers: [
            "strictly fair: first come, first served",
            "eventually fair: a later caller may get it first",
            "eventually fair: a later caller may get it first",
        ],
        in_task: None,
        why: "Tokio's mutex passes the lock to the first future in its queue. The other two use \
              the mutex of async-lock. After a release, this mutex is free, so a caller that asks \
              at that moment can take it. async-lock hands the lock over only to a future that \
              has waited for more than half a millisecond.",
    },
    Expected {
        name: "futurelock",
        answers: ["the task waits forever", "the task gets the lock", "the task gets the lock"],
        in_task: None,
        why: "Tokio's mutex passes the lock to the first future in its queue. The first future is \
              the one that the task no longer polls, so the task waits behind a future that only \
              the task itself could poll. async-lock leaves the lock free, and the task takes it. \
              But if the task asks while another task still holds the lock, the release notifies \
              only the abandoned future, and the task hangs on async-std and smol as well. On all \
              three runtimes, drop a future that you no longer poll.",
    },
    Expected {
        name: "timeout-without-yield",
        answers: [
            "it ends late, with its value",
            "it ends late, with its value",
            "it ends late, with its value",
        ],
        in_task: None,
        why: "A timeout is checked when the future yields. Nothing can stop a future that does \
              not yield.",
    },
    Expected {
        name: "timeout-always-ready",
        answers: ["the timeout ends it", "the timeout never fires", "the timeout never fires"],
        in_task: None,
        why: "An `.await` that is ready does not yield. Tokio gives each task a budget of 128 \
              operations on Tokio's own locks, channels and sockets, and makes the next operation \
              yield. async-std and smol have no such budget, and on Tokio, locks and channels \
              from other crates do not count against the budget. In those cases, call `yield_now` \
              inside the loop.",
    },
    Expected {
        name: "fairness",
        answers: ["it does", "it does", "it does"],
        in_task: None,
        why: "A task that yields goes to the end of a queue. Tokio's workers check timers and I/O \
              at intervals even while they have work. On the other two runtimes, an idle thread \
              usually checks them. If no thread is idle, a worker thread checks them between \
              batches of 200 tasks.",
    },
    Expected {
        name: "blocking-pool",
        answers: [
            "512, and the others wait for a thread",
            "500, and the others wait for a thread",
            "500, and the others wait for a thread",
        ],
        in_task: None,
        why: "These are the limits of Tokio and of the crate `blocking`, which the other two \
              are built on. A call beyond the limit waits without an error or a warning.",
    },
    Expected {
        name: "nested-block-on",
        answers: ["it panics", "it works", "it works"],
        in_task: Some(["it panics", "it works, but hangs if no other worker is free", "it hangs"]),
        why: "Tokio does not let async code block its thread with `block_on`, and panics; inside \
              `block_in_place`, the multi-threaded runtime allows the call. On the other two, a \
              nested `block_on` blocks the worker thread, and the task that `block_on` waits for \
              needs another worker thread. By default, smol has only one worker thread.",
    },
    Expected {
        name: "dropped-file",
        answers: ["no, but a moment later", "yes", "no, and some are lost"],
        in_task: None,
        why: "All three runtimes write on another thread. async-std's file blocks in `drop` until \
              the bytes are written. Tokio finishes the write in the background. Dropping the \
              runtime waits for the write, but `std::process::exit` does not, so bytes can be \
              lost. smol's file discards the bytes that have not been written yet. So call \
              `flush().await?` before you drop a file.",
    },
    Expected {
        name: "failed-write",
        answers: ["neither does: both return Ok", "one of them does", "one of them does"],
        in_task: None,
        why: "All three runtimes write in the background, so `write_all` can return before the \
              write fails. On async-std and smol, `sync_all` then reports the error. Tokio keeps the \
              error for the next write or `flush`, and `sync_all` does not report it. So call \
              `flush().await?` before `sync_all().await?`.",
    },
    Expected {
        name: "tokio-sleep-elsewhere",
        answers: ["it works", "it panics", "it panics"],
        in_task: None,
        why: "A Tokio sleep looks for its runtime in a thread-local variable. On async-std and \
              smol, this variable is not set.",
    },
    Expected {
        name: "tokio-tcp-elsewhere",
        answers: ["it works", "it panics", "it panics"],
        in_task: None,
        why: "A Tokio socket registers with the I/O driver of its runtime. On async-std and smol, \
              there is no such driver.",
    },
    Expected {
        name: "tokio-tcp-entered",
        answers: ["it works", "it panics", "it panics"],
        in_task: None,
        why: "An async function does nothing until it is polled. It looks for its Tokio \
              runtime when it is polled, not when it is called.",
    },
    Expected {
        name: "tokio-by-compat",
        answers: ["it works", "it works", "it works"],
        in_task: None,
        why: "async-compat starts a Tokio runtime next to the other runtime, unless it is \
              inside a Tokio runtime already. It enters this Tokio runtime for each poll.",
    },
    Expected {
        name: "tokio-by-handle",
        answers: ["it works", "it works", "it works"],
        in_task: None,
        why: "Tokio polls the future that you spawn on it. A sleep belongs to the Tokio runtime \
              in whose context it was created, and can be awaited anywhere.",
    },
    Expected {
        name: "smol-elsewhere",
        answers: ["it works", "it works", "it works"],
        in_task: None,
        why: "smol's timers and sockets come from async-io. async-io starts its own thread when it \
              is first used, so it works on any runtime.",
    },
];
