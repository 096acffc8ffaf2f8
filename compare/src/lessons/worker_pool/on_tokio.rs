//! `worker-pool` on Tokio, with async-channel, because Tokio has no queue for many consumers.

use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use tokio::sync::oneshot;
use tokio::task::{self, JoinHandle};
use tokio::time::sleep;

use super::{Answer, Gauge, Input};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(input).await
}

// step: a job, and the channel for its result
struct Job {
    number: u64,
    result: oneshot::Sender<Option<u64>>,
}

async fn lesson(input: Input) -> Answer {
    // step: workers on one bounded queue
    let gauge = Arc::new(Gauge::default());
    let (queue, jobs): (Sender<Job>, Receiver<Job>) = async_channel::bounded(input.workers);
    let mut workers = Vec::new();
    for _ in 0..input.workers {
        let (jobs, gauge) = (jobs.clone(), Arc::clone(&gauge));
        let work = Duration::from_millis(input.work_ms);
        workers.push(task::spawn(worker(jobs, gauge, work, input.bug)));
    }

    // step: submit the jobs; a full queue makes us wait
    let mut results = Vec::new();
    for number in 1..=input.jobs {
        let (result, receiver) = oneshot::channel();
        queue.send(Job { number, result }).await.expect("the workers are alive");
        results.push(receiver);
    }

    // step: a result for every job, in order
    let mut squares = Vec::new();
    for result in results {
        squares.push(result.await.expect("every job has a result"));
    }

    // step: close the queue and wait for the workers
    queue.close();
    let mut workers_at_the_end = 0;
    for worker in workers {
        workers_at_the_end += usize::from(worker.await.is_ok());
    }
    Answer { squares, most_at_once: gauge.most(), workers_at_the_end }
}

// step: a worker takes jobs until the queue is closed and empty
async fn worker(jobs: Receiver<Job>, gauge: Arc<Gauge>, work: Duration, bug: u64) {
    while let Ok(job) = jobs.recv().await {
        gauge.enter();
        // The job runs in its own task. If it panics, we get an error, and this worker survives.
        let square: JoinHandle<u64> = task::spawn(square(job.number, work, bug));
        let square = square.await.ok();
        gauge.leave();
        // Fails only if nothing waits for the result.
        let _ = job.result.send(square);
    }
}

async fn square(number: u64, work: Duration, bug: u64) -> u64 {
    let _span = span(format!("job {number}"));
    sleep(work).await;
    assert!(number != bug, "a bug in job {number}");
    number * number
}
