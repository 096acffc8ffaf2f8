//! Measures the cost of an empty job, and compares it with common ways to run a limited number
//! of jobs concurrently.
//!
//! Run with: `cargo bench -p worker-pool --bench empty_jobs`

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;
use worker_pool::WorkerPool;

const JOBS: usize = 100_000;
const WORKERS: usize = 4;
/// The capacity of the queue, or the maximum number of jobs in flight. All contestants use the same
/// number, which is large enough to keep the workers busy.
const ROOM: usize = 64;
const ROUNDS: usize = 15;

/// The job returns a number, so that the pool has a result to pass on.
async fn job(number: usize) -> usize {
    number
}

async fn pool() -> usize {
    let pool = WorkerPool::with_capacity(WORKERS, ROOM).expect("neither number is zero");
    let mut handles = Vec::with_capacity(JOBS);
    for number in 0..JOBS {
        handles.push(pool.submit(job(number)).await.expect("the pool was not stopped"));
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.expect("the job did not panic");
    }
    pool.stop().await;
    sum
}

async fn join_set() -> usize {
    let (mut set, mut sum) = (JoinSet::new(), 0);
    for number in 0..JOBS {
        if set.len() == ROOM {
            sum += set
                .join_next()
                .await
                .expect("the set is not empty")
                .expect("the job did not panic");
        }
        set.spawn(job(number));
    }
    while let Some(result) = set.join_next().await {
        sum += result.expect("the job did not panic");
    }
    sum
}

async fn task_tracker() -> usize {
    let (tracker, slots) = (TaskTracker::new(), Arc::new(Semaphore::new(ROOM)));
    let mut tasks = Vec::with_capacity(JOBS);
    for number in 0..JOBS {
        let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
        tasks.push(tracker.spawn(async move {
            let result = job(number).await;
            drop(slot);
            result
        }));
    }
    tracker.close();
    tracker.wait().await;
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("the job did not panic");
    }
    sum
}

/// Polls all futures in one task, without workers.
async fn buffer_unordered() -> usize {
    stream::iter(0..JOBS).map(job).buffer_unordered(ROOM).fold(0, async |sum, n| sum + n).await
}

/// Does the least that a pool with handles has to do: one type of future, no counters, and no
/// protection against panics.
async fn bare_channel() -> usize {
    let (queue, jobs) = async_channel::bounded::<(usize, oneshot::Sender<usize>)>(ROOM);
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let jobs = jobs.clone();
        workers.spawn(async move {
            while let Ok((number, result)) = jobs.recv().await {
                let _ = result.send(job(number).await);
            }
        });
    }
    let mut handles = Vec::with_capacity(JOBS);
    for number in 0..JOBS {
        let (result, handle) = oneshot::channel();
        queue.send((number, result)).await.expect("the workers are still running");
        handles.push(handle);
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.expect("the job did not panic");
    }
    queue.close();
    workers.join_all().await;
    sum
}

/// Times one contestant, in a separate task on a fresh runtime, and checks its result.
fn time<F: Future<Output = usize> + Send + 'static>(work: fn() -> F) -> Duration {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let task = runtime.spawn(async move {
        let start = Instant::now();
        let sum = work().await;
        (start.elapsed(), sum)
    });
    let (time, sum) = runtime.block_on(task).expect("the job did not panic");
    assert_eq!(sum, JOBS * (JOBS - 1) / 2);
    time
}

/// A contestant: its name, and the function that times it.
type Way = (&'static str, fn() -> Duration);

fn main() {
    let ways: [Way; 5] = [
        ("worker-pool", || time(pool)),
        ("JoinSet, bounded manually", || time(join_set)),
        ("TaskTracker and a semaphore", || time(task_tracker)),
        ("buffer_unordered, in one task", || time(buffer_unordered)),
        ("bare async-channel workers", || time(bare_channel)),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    // The runs are interleaved, so that a disturbance on the machine affects all contestants. The
    // first round is a warm-up.
    for round in 0..=ROUNDS {
        for (way, times) in ways.iter().zip(&mut times) {
            let time = way.1();
            if round > 0 {
                times.push(time.as_nanos() as f64 / JOBS as f64);
            }
        }
    }
    let medians: Vec<_> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect();
    println!("{JOBS} empty jobs, {WORKERS} workers, {ROOM} in flight; median of {ROUNDS} rounds\n");
    println!("| | ns per job | lowest | highest | worker-pool, relative to this |");
    println!("|---|---|---|---|---|");
    for ((way, times), median) in ways.iter().zip(&times).zip(&medians) {
        let (from, to) = (times[0], times[times.len() - 1]);
        let ratio = medians[0] / median;
        println!("| {} | {median:.0} | {from:.0} | {to:.0} | {ratio:.2} |", way.0);
    }
}
