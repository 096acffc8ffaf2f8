//! A future computes for longer than its timeout, without an `.await`. Does the timeout end it?

use std::thread;

use super::{A_MOMENT, Seen};

/// Blocks the thread, as a long computation would.
async fn never_yields() -> &'static str {
    thread::sleep(3 * A_MOMENT);
    "a value"
}

fn seen(value: Option<&str>) -> Seen {
    match value {
        Some(_) => "it ends late, with its value",
        None => "the timeout ends it",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    seen(tokio::time::timeout(A_MOMENT, never_yields()).await.ok())
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    seen(async_std::future::timeout(A_MOMENT, never_yields()).await.ok())
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let timer = async {
        smol::Timer::after(A_MOMENT).await;
        None
    };
    seen(smol::future::or(async { Some(never_yields().await) }, timer).await)
}
