//! The worker pool as people usually write it.
#![allow(clippy::unwrap_used, dead_code, reason = "test support, of which each test uses a part")]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// `while running: job = await asyncio.wait_for(queue.get(), 1)`. It has three faults: the queue
/// has no bound, a job that panics takes down its worker, and an idle worker looks for work every
/// second.
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
                            // This is `task_done()`. A job that panics never reaches this line.
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

    /// This is `put_nowait`: it never waits for room, and it returns no result.
    pub fn submit(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.unfinished.fetch_add(1, SeqCst);
        self.queue.lock().unwrap().push_back(Box::pin(job));
    }

    /// This is `await queue.join()`.
    pub async fn join(&self) {
        while self.unfinished.load(SeqCst) > 0 {
            sleep(Duration::from_secs(1)).await;
        }
    }
}
