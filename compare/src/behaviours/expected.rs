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
        why: "All of them catch it in the task. Nobody has a handle, so what it carries is dropped. A \
              message is printed, and no program ends, unless panics abort.",
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
        why: "Tokio's runtime waits for blocking calls that have begun when it is dropped, unless it is \
              shut down with a time-out; those that have not begun it drops. The others have nothing \
              to drop, and `main` ends the process.",
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
              the others stand still as well. So does, in Tokio, a task that the blocking one has \
              woken last: it waits for that thread, and no other may take it.",
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
            "half a millisecond or more",
            "less than half a millisecond",
            "less than half a millisecond",
        ],
        why: "Tokio keeps its timers in a wheel with one slot for each millisecond since its start, and \
              rounds up to the next slot. async-io, under the two others, waits for the exact time.",
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
        why: "Who yields goes to the end of a queue. Tokio's workers look for timers and I/O now and \
              then while there is work; in the two others another thread does that here.",
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
        name: "nested-block-on",
        answers: ["it panics", "it works", "it works"],
        why: "Tokio does not let a task block its thread that way; `block_in_place` would allow it. In \
              the others it works, and blocks the thread all the same.",
    },
    Expected {
        name: "dropped-file",
        answers: ["a moment later", "they are", "some are lost"],
        why: "All of them write on another thread. async-std's file waits for it when it is dropped, and \
              blocks meanwhile. Tokio's goes on with the write that has begun, as long as the runtime \
              is there. smol's drops what has not been written. So: `flush().await`, or `sync_all`, \
              before a file is dropped.",
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
        name: "tokio-tcp-entered",
        answers: ["it works", "it panics", "it panics"],
        why: "An async function does nothing until it is polled. It looks for its Tokio then, and not \
              when it was called.",
    },
    Expected {
        name: "tokio-by-compat",
        answers: ["it works", "it works", "it works"],
        why: "async-compat starts a Tokio beside the runtime, unless it is in one already, and enters \
              it at each poll.",
    },
    Expected {
        name: "tokio-by-handle",
        answers: ["it works", "it works", "it works"],
        why: "Tokio polls what is spawned on it. A sleep belongs to the Tokio in which it was made, and \
              may be awaited anywhere.",
    },
    Expected {
        name: "smol-elsewhere",
        answers: ["it works", "it works", "it works"],
        why: "async-io starts a thread of its own where nobody watches its sockets and timers.",
    },
];
