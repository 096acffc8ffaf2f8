//! `block_on` inside of a task.

use super::{Seen, attempt};

async fn work() {}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    attempt(|| tokio::runtime::Handle::current().block_on(work()))
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async { attempt(|| async_std::task::block_on(work())) })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async { attempt(|| smol::block_on(work())) })
}
