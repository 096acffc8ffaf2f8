//! A task blocks its thread until another task has run. Does the other task get to run?

use std::sync::mpsc::{Receiver, Sender, channel};

use super::{LONG, NOT_ENOUGH_CORES, Seen};

async fn other(sender: Sender<()>) {
    let _ = sender.send(());
}

/// Blocks the thread until the other task has run, or for at most [`LONG`]. Returns the answer.
async fn blocks(receiver: Receiver<()>) -> Seen {
    let has_run = receiver.recv_timeout(LONG).is_ok();
    match has_run {
        _ if std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1) => {
            NOT_ENOUGH_CORES
        }
        true => "the other tasks continue",
        false => "all other tasks wait",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let (sender, receiver) = channel();
    let blocks = tokio::spawn(blocks(receiver));
    tokio::spawn(other(sender));
    blocks.await.expect("the task does not panic")
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (sender, receiver) = channel();
    let blocks = async_std::task::spawn(blocks(receiver));
    async_std::task::spawn(other(sender));
    blocks.await
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (sender, receiver) = channel();
    let blocks = smol::spawn(blocks(receiver));
    smol::spawn(other(sender)).detach();
    blocks.await
}
