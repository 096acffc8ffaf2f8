//! The worker pool of the exercise as it is usually written, and what becomes of it.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use worker_pool::{JobError, WorkerPool};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// `while running: job = await asyncio.wait_for(queue.get(), 1)`, in three parts: the queue has no
/// bound, a job's panic is the worker's, and a worker looks for work every second.
struct NaivePool {
    queue: Arc<Mutex<VecDeque<Job>>>,
    unfinished: Arc<AtomicUsize>,
    looked: Arc<AtomicUsize>,
    workers: Vec<JoinHandle<()>>,
}

impl NaivePool {
    fn new(num_workers: usize) -> Self {
        let queue: Arc<Mutex<VecDeque<Job>>> = Arc::default();
        let (unfinished, looked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = || {
            let (queue, unfinished, looked) = (queue.clone(), unfinished.clone(), looked.clone());
            tokio::spawn(async move {
                loop {
                    looked.fetch_add(1, SeqCst);
                    let job = queue.lock().unwrap().pop_front();
                    match job {
                        Some(job) => {
                            job.await;
                            // `task_done()`: not reached by a job that raises.
                            unfinished.fetch_sub(1, SeqCst);
                        }
                        None => sleep(Duration::from_secs(1)).await,
                    }
                }
            })
        };
        let workers = (0..num_workers).map(|_| worker()).collect();
        Self { queue, unfinished, looked, workers }
    }

    /// `put_nowait`: no room is ever waited for, and no result comes back.
    fn submit(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.unfinished.fetch_add(1, SeqCst);
        self.queue.lock().unwrap().push_back(Box::pin(job));
    }

    /// `await queue.join()`
    async fn join(&self) {
        while self.unfinished.load(SeqCst) > 0 {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

const AN_HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test(start_paused = true)]
async fn one_panic_kills_a_naive_worker_and_join_hangs() {
    let naive = NaivePool::new(1);
    naive.submit(async { panic!("a bug") });
    assert!(timeout(AN_HOUR, naive.join()).await.is_err(), "it would wait for ever");
    assert!(naive.workers[0].is_finished(), "and nobody is left to work");

    let ours = WorkerPool::new(1).unwrap();
    let bug = ours.submit(async { panic!("a bug") }).await.unwrap();
    timeout(AN_HOUR, ours.join()).await.unwrap();
    let bug: Result<(), _> = bug.await;
    assert_eq!(bug, Err(JobError::Panicked("a bug".into())));
}

#[tokio::test(start_paused = true)]
async fn a_naive_worker_looks_for_work_every_second() {
    let naive = NaivePool::new(1);
    let runtime = tokio::runtime::Handle::current().metrics();
    let parked = runtime.worker_park_count(0);
    sleep(Duration::from_secs(3600)).await;
    assert!(naive.looked.load(SeqCst) >= 3600);
    // Seen as the test `idle_workers_are_not_woken` would see it.
    assert!(runtime.worker_park_count(0) - parked >= 3600);
}

#[tokio::test(start_paused = true)]
async fn a_naive_queue_takes_whatever_comes() {
    let naive = NaivePool::new(1);
    for _ in 0..100_000 {
        naive.submit(sleep(AN_HOUR));
    }
    assert!(naive.queue.lock().unwrap().len() >= 99_999, "all of it in memory");

    let ours = WorkerPool::with_capacity(1, 10).unwrap();
    let mut taken = 0;
    while timeout(Duration::from_secs(1), ours.submit(sleep(AN_HOUR))).await.is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 11, "one that runs, ten that wait; then the caller waits too");
}

#[tokio::test(start_paused = true)]
async fn a_naive_job_can_print_its_result_and_no_more() {
    let naive = NaivePool::new(1);
    // All that comes back from `submit` is nothing, now and later.
    let () = naive.submit(async { println!("{}", 6 * 7) });
    naive.join().await;

    let ours = WorkerPool::new(1).unwrap();
    assert_eq!(ours.submit(async { 6 * 7 }).await.unwrap().await, Ok(42));
}
