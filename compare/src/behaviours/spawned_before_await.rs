//! A function spawns a task, and then blocks its thread without awaiting anything. Does the task
//! run while the thread is blocked?

use std::sync::mpsc::{Receiver, Sender, channel};

use super::{LONG, Seen};

async fn child(sender: Sender<()>) {
    let _ = sender.send(());
}

/// Blocks the thread until the child has run, or for at most [`LONG`]. Returns the answer.
fn seen(receiver: &Receiver<()>) -> Seen {
    match receiver.recv_timeout(LONG) {
        Ok(()) => "it runs immediately, on another thread",
        Err(_) => "it does not run before the next `.await`",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let (sender, receiver) = channel();
    tokio::spawn(child(sender));
    seen(&receiver)
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (sender, receiver) = channel();
    async_std::task::spawn(child(sender));
    seen(&receiver)
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (sender, receiver) = channel();
    smol::spawn(child(sender)).detach();
    seen(&receiver)
}
