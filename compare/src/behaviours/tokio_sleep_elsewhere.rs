//! Tokio's sleep, awaited on another runtime, with nothing done about it.

use super::{A_MOMENT, Seen, attempt};

async fn sleep() {
    tokio::time::sleep(A_MOMENT).await;
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    sleep().await;
    "it works".into()
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    attempt(|| async_std::task::block_on(sleep()))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    attempt(|| smol::block_on(sleep()))
}
