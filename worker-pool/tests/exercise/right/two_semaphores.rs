//! A permit for a place in the queue, and then a permit for a worker. Tokio serves permits in order.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

pub struct WorkerPool {
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    tasks: TaskTracker,
}

pub struct JobHandle<T> {
    result: oneshot::Receiver<Result<T, String>>,
}

impl WorkerPool {
    pub fn new(num_workers: usize) -> Self {
        let places = Arc::new(Semaphore::new(2 * num_workers));
        let workers = Arc::new(Semaphore::new(num_workers));
        Self { places, workers, tasks: TaskTracker::new() }
    }

    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        let (sender, result) = oneshot::channel();
        if let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            let workers = Arc::clone(&self.workers);
            self.tasks.spawn(async move {
                let worker = workers.acquire().await;
                let ended = tokio::spawn(job).await;
                let _ = sender.send(ended.map_err(|error| error.to_string()));
                drop((worker, place));
            });
        }
        JobHandle { result }
    }

    pub async fn stop(&self) {
        self.places.close();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl<T> JobHandle<T> {
    pub async fn result(self) -> Result<T, String> {
        self.result.await.unwrap_or_else(|_| Err("the pool has stopped".into()))
    }
}
