//! `worker-pool` on async-std.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_std::channel::{self, Receiver, Sender};
use async_std::task::{self, sleep};
use futures_lite::FutureExt;

use super::{Answer, Gauge, Input};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    task::block_on(lesson(input))
}

// step: a job, and the channel for its result
struct Job {
    number: u64,
    // async-std has no oneshot channel. A channel with room for one value does the same.
    result: Sender<Option<u64>>,
}

async fn lesson(input: Input) -> Answer {
    // step: workers on one bounded queue
    let gauge = Arc::new(Gauge::default());
    let (queue, jobs): (Sender<Job>, Receiver<Job>) = channel::bounded(input.workers);
    let mut workers = Vec::new();
    for _ in 0..input.workers {
        let (jobs, gauge) = (jobs.clone(), Arc::clone(&gauge));
        let work = Duration::from_millis(input.work_ms);
        workers.push(task::spawn(worker(jobs, gauge, work, input.bug)));
    }

    // step: submit the jobs; a full queue makes us wait
    let mut results = Vec::new();
    for number in 1..=input.jobs {
        let (result, receiver) = channel::bounded(1);
        queue.send(Job { number, result }).await.expect("the workers are alive");
        results.push(receiver);
    }

    // step: a result for every job, in order
    let mut squares = Vec::new();
    for result in results {
        squares.push(result.recv().await.expect("every job has a result"));
    }

    // step: close the queue and wait for the workers
    queue.close();
    let mut workers_at_the_end = 0;
    for worker in workers {
        // If a worker had panicked, the panic would unwind into us.
        worker.await;
        workers_at_the_end += 1;
    }
    Answer { squares, most_at_once: gauge.most(), workers_at_the_end }
}

// step: a worker takes jobs until the queue is closed and empty
async fn worker(jobs: Receiver<Job>, gauge: Arc<Gauge>, work: Duration, bug: u64) {
    while let Ok(job) = jobs.recv().await {
        gauge.enter();
        // We catch a job's panic here, so this worker survives.
        let square = AssertUnwindSafe(square(job.number, work, bug)).catch_unwind();
        let square = square.await.ok();
        gauge.leave();
        // Fails only if nothing waits for the result.
        let _ = job.result.send(square).await;
    }
}

async fn square(number: u64, work: Duration, bug: u64) -> u64 {
    let _span = span(format!("job {number}"));
    sleep(work).await;
    assert!(number != bug, "a bug in job {number}");
    number * number
}
