//! A task is cancelled while it waits in the middle of its work. Which lines of its code still run?

use super::{Lines, Seen};

/// A guard that records when it is dropped.
struct Guard(Lines);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.say("Drop");
    }
}

async fn work(lines: Lines, has_started: impl Future) {
    let _guard = Guard(lines.clone());
    lines.say("before");
    has_started.await;
    std::future::pending::<()>().await;
    lines.say("after");
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let lines = Lines::default();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let task = tokio::spawn(work(lines.clone(), async move { sender.send(()).await }));
    receiver.recv().await;
    task.abort();
    // `abort` only requests the cancellation. We await the handle, so that the task's future has
    // been dropped before we look at the lines.
    let is_cancelled = task.await.is_err_and(|error| error.is_cancelled());
    format!("{lines}; the handle reports the cancellation: {is_cancelled}").into()
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let lines = Lines::default();
    let (sender, receiver) = async_std::channel::bounded(1);
    let task = async_std::task::spawn(work(lines.clone(), async move { sender.send(()).await }));
    let _ = receiver.recv().await;
    let is_cancelled = task.cancel().await.is_none();
    format!("{lines}; the handle reports the cancellation: {is_cancelled}").into()
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let lines = Lines::default();
    let (sender, receiver) = smol::channel::bounded(1);
    let task = smol::spawn(work(lines.clone(), async move { sender.send(()).await }));
    let _ = receiver.recv().await;
    let is_cancelled = task.cancel().await.is_none();
    format!("{lines}; the handle reports the cancellation: {is_cancelled}").into()
}
