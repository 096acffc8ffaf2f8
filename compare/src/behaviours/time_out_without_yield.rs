//! A time-out around a future that computes for longer than that, and never yields.

use std::thread;

use super::{A_MOMENT, LONGER, Seen};

/// What it takes for computing.
async fn never_yields() -> &'static str {
    thread::sleep(LONGER);
    "a value"
}

fn seen(value: Option<&str>) -> Seen {
    match value {
        Some(_) => "it ends late, with its value",
        None => "it is stopped in time",
    }
    .into()
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    seen(tokio::time::timeout(A_MOMENT, never_yields()).await.ok())
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        seen(async_std::future::timeout(A_MOMENT, never_yields()).await.ok())
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let timer = async {
        smol::Timer::after(A_MOMENT).await;
        None
    };
    seen(smol::block_on(smol::future::or(async { Some(never_yields().await) }, timer)))
}
