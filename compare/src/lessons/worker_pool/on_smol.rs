//! `worker-pool` on smol.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use smol::channel::{self, Receiver, Sender};
use smol::future::FutureExt;
use smol::{Executor, Task, Timer};

use super::{Answer, Gauge, Input};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

// step: a job, and the channel for its result
struct Job {
    number: u64,
    // smol has no oneshot channel. A channel with room for one value does the same.
    result: Sender<Option<u64>>,
}

async fn lesson(input: Input) -> Answer {
    // step: workers on one bounded queue
    // The tasks of a local executor can borrow variables that were declared before the executor.
    // The executor runs on this thread, and could run on more threads.
    let gauge = Gauge::default();
    let work = Duration::from_millis(input.work_ms);
    let (queue, jobs): (Sender<Job>, Receiver<Job>) = channel::bounded(input.workers);
    let executor = Executor::new();
    let worker = |_| executor.spawn(worker(&jobs, &gauge, work, input.bug));
    let workers: Vec<Task<()>> = (0..input.workers).map(worker).collect();
    let main = async {
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
    };
    executor.run(main).await
}

// step: a worker takes jobs until the queue is closed and empty
async fn worker(jobs: &Receiver<Job>, gauge: &Gauge, work: Duration, bug: u64) {
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
    Timer::after(work).await;
    assert!(number != bug, "a bug in job {number}");
    number * number
}
