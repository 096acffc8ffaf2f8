//! A task panics, and nothing awaits it. Do tasks that are spawned later still run?

use super::Seen;

/// Returns the answer. Both tasks own a sender. When the first task panics, it drops its sender
/// without sending a value. The second task sends a value.
fn seen(has_panicked: bool, other_has_run: bool) -> Seen {
    match (has_panicked, other_has_run) {
        (true, true) => "the others continue",
        (true, false) => "the others stop",
        (false, _) => "it does not panic",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let (unused, never) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let _unused = unused;
        panic!("a bug")
    });
    let has_panicked = never.await.is_err();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    tokio::spawn(async move { sender.send(()) });
    seen(has_panicked, receiver.await.is_ok())
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (unused, never) = async_std::channel::bounded::<()>(1);
    async_std::task::spawn(async move {
        let _unused = unused;
        panic!("a bug")
    });
    let has_panicked = never.recv().await.is_err();
    let (sender, receiver) = async_std::channel::bounded(1);
    async_std::task::spawn(async move { sender.send(()).await });
    seen(has_panicked, receiver.recv().await.is_ok())
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (unused, never) = smol::channel::bounded::<()>(1);
    let panics = smol::spawn(async move {
        let _unused = unused;
        panic!("a bug")
    });
    panics.detach();
    let has_panicked = never.recv().await.is_err();
    let (sender, receiver) = smol::channel::bounded(1);
    smol::spawn(async move { sender.send(()).await }).detach();
    seen(has_panicked, receiver.recv().await.is_ok())
}
