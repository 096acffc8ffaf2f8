//! A future awaits a Tokio sleep, without any bridge. On which runtimes does that work?

use super::{A_MOMENT, Seen, attempt};

async fn sleep() {
    tokio::time::sleep(A_MOMENT).await;
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    attempt(sleep()).await
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    attempt(sleep()).await
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    attempt(sleep()).await
}
