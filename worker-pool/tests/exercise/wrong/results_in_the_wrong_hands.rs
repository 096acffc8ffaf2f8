//! All results go through one channel, and each handle takes the next one.

use std::marker::PhantomData;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc};

pub struct WorkerPool {
    permits: Arc<Semaphore>,
    sender: mpsc::UnboundedSender<Box<dyn std::any::Any + Send>>,
    results: Arc<Mutex<mpsc::UnboundedReceiver<Box<dyn std::any::Any + Send>>>>,
}

pub struct JobHandle<T> {
    results: Arc<Mutex<mpsc::UnboundedReceiver<Box<dyn std::any::Any + Send>>>>,
    marker: PhantomData<T>,
}

impl WorkerPool {
    pub fn new(num_workers: usize) -> Self {
        let (sender, results) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(num_workers));
        Self { permits, sender, results: Arc::new(Mutex::new(results)) }
    }

    pub async fn submit<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> JobHandle<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.unwrap();
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let _ = sender.send(Box::new(job.await));
            drop(permit);
        });
        JobHandle { results: Arc::clone(&self.results), marker: PhantomData }
    }

    pub async fn stop(&self) {}
}

impl<T: 'static> JobHandle<T> {
    pub async fn result(self) -> Result<T, String> {
        let result = self.results.lock().await.recv().await.unwrap();
        result.downcast().map(|result| *result).map_err(|_| "another type".into())
    }
}
