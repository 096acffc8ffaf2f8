//! Has no queue and no workers: `submit` takes a permit, and then spawns the job.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{Semaphore, oneshot};

pub struct WorkerPool {
    workers: u32,
    permits: Arc<Semaphore>,
}

pub struct JobHandle<T> {
    result: oneshot::Receiver<Result<T, String>>,
}

impl WorkerPool {
    pub fn new(num_workers: usize) -> Self {
        Self { workers: num_workers as u32, permits: Arc::new(Semaphore::new(num_workers)) }
    }

    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        let (sender, result) = oneshot::channel();
        if let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await {
            tokio::spawn(async move {
                let ended = AssertUnwindSafe(job).catch_unwind().await;
                let _ = sender.send(ended.map_err(|panic| {
                    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| {
                        panic.downcast_ref::<&str>().map_or("a panic", |text| text).to_owned()
                    })
                }));
                drop(permit);
            });
        }
        JobHandle { result }
    }

    pub async fn stop(&self) {
        let _ = self.permits.acquire_many(self.workers).await;
        self.permits.close();
    }
}

impl<T> JobHandle<T> {
    pub async fn result(self) -> Result<T, String> {
        self.result.await.unwrap_or_else(|_| Err("stopped".into()))
    }
}
