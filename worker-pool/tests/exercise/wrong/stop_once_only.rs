//! If `stop` is dropped, the next call does not wait.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use async_channel::{Sender, bounded};
use futures_util::FutureExt;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs jobs on a fixed number of workers, which take them from one bounded queue, first come, first
/// served.
pub struct WorkerPool {
    queue: Sender<Job>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

/// A handle to a job's result.
pub struct JobHandle<T> {
    result: oneshot::Receiver<Result<T, String>>,
}

impl WorkerPool {
    /// Starts the workers.
    pub fn new(num_workers: usize) -> Self {
        let (queue, jobs) = bounded::<Job>(num_workers);
        let worker = || {
            let jobs = jobs.clone();
            tokio::spawn(async move {
                while let Ok(job) = jobs.recv().await {
                    job.await;
                }
            })
        };
        Self { queue, workers: Mutex::new((0..num_workers).map(|_| worker()).collect()) }
    }

    /// Waits for room in the queue, adds the job to it, and returns the handle to its result. After
    /// `stop`, the job does not run, and its handle returns an error.
    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        let (sender, result) = oneshot::channel();
        let job = async move {
            let ended = AssertUnwindSafe(job).catch_unwind().await;
            // This fails if nobody waits for the result any more.
            let _ = sender.send(ended.map_err(|panic| message(&*panic)));
        };
        // If the queue is closed, the job is dropped, and `sender` with it.
        let _ = self.queue.send(Box::pin(job)).await;
        JobHandle { result }
    }

    /// Stops accepting jobs, and waits until the accepted ones have ended. Can be called again.
    pub async fn stop(&self) {
        self.queue.close();
        let workers = std::mem::take(&mut *self.workers.lock().await);
        for worker in workers {
            let _ = worker.await;
        }
    }
}

impl<T> JobHandle<T> {
    /// Waits for the job. Returns its result, or a text that says what happened instead.
    pub async fn result(self) -> Result<T, String> {
        self.result.await.unwrap_or_else(|_| Err("the pool has stopped".into()))
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "the job panicked".into())
}
