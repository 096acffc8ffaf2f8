//! A task is spawned, and its handle is dropped immediately. Does the task continue?

use super::{A_MOMENT, Seen};

/// Returns the answer. The task sends a value when it ends. If it is cancelled, its sender is
/// dropped without sending a value.
fn seen(has_sent: bool) -> Seen {
    if has_sent { "the task continues" } else { "the task is cancelled" }.into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    drop(tokio::spawn(async move {
        tokio::time::sleep(A_MOMENT).await;
        let _ = sender.send(());
    }));
    seen(receiver.await.is_ok())
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (sender, receiver) = async_std::channel::bounded(1);
    drop(async_std::task::spawn(async move {
        async_std::task::sleep(A_MOMENT).await;
        let _ = sender.send(()).await;
    }));
    seen(receiver.recv().await.is_ok())
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (sender, receiver) = smol::channel::bounded(1);
    drop(smol::spawn(async move {
        smol::Timer::after(A_MOMENT).await;
        let _ = sender.send(()).await;
    }));
    seen(receiver.recv().await.is_ok())
}
