//! The worker pool as people usually write it.
#![allow(clippy::unwrap_used, dead_code, reason = "no test uses all of this test support")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The Rust counterpart of `while running: job = await asyncio.wait_for(queue.get(), 1)`. It has
/// four faults: the queue has no bound, a job that panics takes down its worker, an idle worker
/// looks for work every second, and a job cannot return its result.
pub struct NaivePool {
    pub queue: Arc<Mutex<VecDeque<Job>>>,
    pub unfinished: Arc<AtomicUsize>,
    pub looked: Arc<AtomicUsize>,
    pub workers: Vec<JoinHandle<()>>,
}

impl NaivePool {
    pub fn new(num_workers: usize) -> Self {
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
                            // This line corresponds to `task_done()`. If the job panics, the worker
                            // never gets here.
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

    /// Corresponds to `put_nowait`: never waits for room, and returns no result.
    pub fn submit(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.unfinished.fetch_add(1, SeqCst);
        self.queue.lock().unwrap().push_back(Box::pin(job));
    }

    /// Corresponds to `await queue.join()`.
    pub async fn join(&self) {
        while self.unfinished.load(SeqCst) > 0 {
            sleep(Duration::from_secs(1)).await;
        }
    }
}
