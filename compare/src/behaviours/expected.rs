//! What the experiments should see, and why. Apart from them, so that neither is written to fit the
//! other: an answer that differs is marked in the table, and the exit status is 1.

/// What is expected of one experiment.
pub struct Expected {
    pub name: &'static str,
    /// In the order tokio, async-std, smol.
    pub answers: [&'static str; 3],
    /// The mechanism behind it.
    pub why: &'static str,
}

pub static EXPECTED: &[Expected] = &[
    Expected {
        name: "dropped-handle",
        answers: ["the task goes on", "the task goes on", "the task is cancelled"],
        why: "smol's Task is the task's owner: dropping it cancels, and `detach` lets it go on. The \
              handles of the others only watch.",
    },
    Expected {
        name: "panic-awaited",
        answers: [
            "it is an error of the handle: JoinError",
            "it unwinds into whoever awaits the task",
            "it unwinds into whoever awaits the task",
        ],
        why: "Tokio catches the panic and keeps it in the handle. async-task, under the two others, \
              lets it go on in the awaiter.",
    },
    Expected {
        name: "panic-detached",
        answers: ["the others go on", "the others go on", "the others go on"],
        why: "Tokio catches it in the task; the threads of the others catch it outside and go on. All \
              print a message, and no program ends, unless panics abort.",
    },
    Expected {
        name: "pending-at-exit",
        answers: [
            "they are dropped at their `.await`",
            "they are left as they are",
            "they are left as they are",
        ],
        why: "Tokio's runtime is a value: dropped, it drops its tasks. The executors of the others are \
              global and are never dropped.",
    },
    Expected {
        name: "drop-while-blocking",
        answers: ["the end waits for it", "nobody waits for it", "nobody waits for it"],
        why: "Tokio's runtime waits for its blocking threads when it is dropped, unless it is shut down \
              with a time-out. The others have nothing to drop, and `main` ends the process.",
    },
    Expected {
        name: "cancelled-task",
        answers: [
            "before, Drop; its handle says so: true",
            "before, Drop; its handle says so: true",
            "before, Drop; its handle says so: true",
        ],
        why: "A cancelled task is a future that is dropped. Tokio's `abort` only asks for it, and the \
              handle has to be awaited; `cancel().await` does both.",
    },
    Expected {
        name: "worker-threads",
        answers: ["one a core", "one a core", "one"],
        why: "smol's global executor has one thread unless SMOL_THREADS says otherwise.",
    },
    Expected {
        name: "blocked-worker",
        answers: ["others go on", "others go on", "all others wait"],
        why: "There is one thread in smol, and it is blocked. With as many blocking tasks as threads, \
              the others stand still as well.",
    },
    Expected {
        name: "spawned-before-await",
        answers: [
            "it runs at once, on another thread",
            "it runs at once, on another thread",
            "it runs at once, on another thread",
        ],
        why: "All of them have a thread beside the one of `main`. asyncio has not, nor has Tokio's \
              current_thread runtime: there a task waits for the next `.await`.",
    },
    Expected {
        name: "short-sleeps",
        answers: [
            "to the next full millisecond",
            "less than half a millisecond",
            "less than half a millisecond",
        ],
        why: "Tokio keeps its timers in a wheel with one slot for each millisecond. async-io, under the \
              two others, waits for the exact time.",
    },
    Expected {
        name: "mutex-order",
        answers: [
            "strict: first come, first served",
            "eventual: who comes later may be first",
            "eventual: who comes later may be first",
        ],
        why: "Tokio hands the lock to the first in its queue. async-lock frees it for whoever comes \
              next, and hands it over only to one who has waited for half a millisecond and lost.",
    },
    Expected {
        name: "time-out-without-yield",
        answers: [
            "it ends late, with its value",
            "it ends late, with its value",
            "it ends late, with its value",
        ],
        why: "A time-out is looked at when the future yields. Nothing can stop what does not.",
    },
    Expected {
        name: "fairness",
        answers: ["they do", "they do", "they do"],
        why: "Who yields goes to the end of a queue. All of them also look for timers and I/O now and \
              then while there is work.",
    },
    Expected {
        name: "blocking-pool",
        answers: [
            "512 at once, the rest waits",
            "500 at once, the rest waits",
            "500 at once, the rest waits",
        ],
        why: "The limits of Tokio and of the crate `blocking`, under the two others. A call past the \
              limit waits for a thread without a word.",
    },
    Expected {
        name: "tokio-sleep-elsewhere",
        answers: ["it works", "it panics", "it panics"],
        why: "It looks for its runtime in a variable of the thread, and there is none.",
    },
    Expected {
        name: "tokio-tcp-elsewhere",
        answers: ["it works", "it panics", "it panics"],
        why: "The socket wants to be watched by Tokio's driver, and there is none.",
    },
    Expected {
        name: "tokio-by-compat",
        answers: ["it works", "it works", "it works"],
        why: "async-compat starts a Tokio beside the runtime, and enters it at each poll.",
    },
    Expected {
        name: "tokio-by-handle",
        answers: ["it works", "it works", "it works"],
        why: "What was made inside a Tokio belongs to it, and may be awaited anywhere.",
    },
    Expected {
        name: "smol-elsewhere",
        answers: ["it works", "it works", "it works"],
        why: "async-io starts a thread of its own where nobody watches its sockets and timers.",
    },
];
