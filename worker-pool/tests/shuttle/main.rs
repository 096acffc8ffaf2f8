//! A model of the pool's concurrent core, checked with [shuttle].
//!
//! An ordinary test runs under one schedule: whichever one the runtime happens to pick. A lost
//! wake-up shows only if a task is interrupted at one particular point, for example after a worker
//! has found the queue empty and before it starts to wait. Shuttle itself decides which task runs
//! next, at every lock and every wake-up, and it runs each scene in `scenes.rs` under 1,000 random
//! schedules. If every task of a scene is waiting, shuttle reports a deadlock, and prints the
//! schedule that led to it.
//!
//! This test compiles the files under `src/` a second time, unchanged, but with shuttle's versions
//! of `tokio` and of the mutex. `lib.rs` is not part of the model, because it needs a real runtime.
//! [`Pool`] takes its place.
//!
//! Run with:
//! `RUSTFLAGS='--cfg shuttle' cargo test -p worker-pool --test shuttle --target-dir target/shuttle`
//!
//! With `STRESS=1`, each scene runs under 100 times as many schedules, which differ from run to
//! run.
//!
//! [shuttle]: https://docs.rs/shuttle
#![cfg(shuttle)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "the scenes need only a part of what lib.rs uses")]

extern crate shuttle_tokio as tokio;

#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/job.rs"]
mod job;
#[path = "../../src/ledger.rs"]
mod ledger;
#[path = "../../src/queue.rs"]
mod queue;
#[path = "../../src/worker.rs"]
mod worker;

mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
}

mod scenes;

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn};

use error::SubmitError;
use ledger::Stats;
use queue::Queue;
use worker::{WorkerEnd, work};

/// Runs the scene under many schedules, which are the same every time unless `STRESS` is set.
fn check<F: Future<Output = ()>>(scene: impl Fn() -> F + Send + Sync + 'static) {
    const SCHEDULES: usize = 1_000;
    let scene = move || shuttle::future::block_on(scene());
    if std::env::var_os("STRESS").is_some() {
        shuttle::check_random(scene, 100 * SCHEDULES);
    } else {
        shuttle::check_random_with_seed(scene, 0, SCHEDULES);
    }
}

/// `WorkerPool` without its `TaskTracker`: the queue, and the tasks of its workers.
struct Pool {
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool {
    fn with_capacity(num_workers: usize, capacity: usize) -> Self {
        let queue = Arc::new(Queue::new(capacity));
        let start = |_| spawn(work(WorkerEnd(Arc::clone(&queue))));
        let workers = (0..num_workers).map(start).collect();
        Self { queue, workers }
    }

    /// Stops the pool, then returns how its jobs ended.
    async fn stop(self) -> Stats {
        self.queue.close();
        for worker in self.workers {
            worker.await.unwrap();
        }
        self.queue.stats()
    }

    /// Aborts the pool, then returns how its jobs ended.
    async fn abort(self) -> Stats {
        self.queue.clear();
        for worker in &self.workers {
            worker.abort();
        }
        for worker in self.workers {
            let _ = worker.await;
        }
        self.queue.stats()
    }

    /// Occupies the only worker and fills the queue, which has room for one job. Sending to the
    /// returned channel lets the worker continue.
    async fn fill(&self) -> oneshot::Sender<()> {
        let (started, has_started) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let running = async move {
            started.send(()).unwrap();
            released.await.unwrap();
            Ok(())
        };
        self.queue.put(running).await.unwrap();
        has_started.await.unwrap();
        self.queue.put(async { Ok(()) }).await.unwrap();
        release
    }
}
