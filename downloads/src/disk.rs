//! Decides where files are finished: all on one thread, or each on a separate thread.

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use crate::stream::blocking;

/// Runs the last steps of files, which may block.
pub(crate) enum Disk {
    /// Each file has a separate thread, because many syncs at the same time take hardly longer
    /// than one.
    Many,
    /// All files share one thread. Without syncs, each write is short, and waking a thread takes
    /// longer than writing a small file. A thread that still has work needs no wake-up.
    One(mpsc::Sender<Box<dyn FnOnce() + Send>>),
}

impl Disk {
    /// Starts the shared thread if `sync` is off. The thread ends when this value is dropped and
    /// all work is done.
    pub(crate) fn start(sync: bool) -> Self {
        if sync {
            return Self::Many;
        }
        let (work, mut to_do) = mpsc::channel::<Box<dyn FnOnce() + Send>>(64);
        spawn_blocking(move || {
            while let Some(work) = to_do.blocking_recv() {
                work();
            }
        });
        Self::One(work)
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let Self::One(to_do) = self else { return blocking(work).await };
        let (done, result) = oneshot::channel();
        let work = Box::new(move || _ = done.send(work()));
        let _ = to_do.send(work).await;
        result.await.expect("the thread runs until we are dropped")
    }
}
