//! A loop takes a free lock again and again, so its `.await` is always ready. Does a timeout around
//! the loop end it?

use std::time::Instant;

use super::{A_MOMENT, LONG, Seen};

/// Returns whether the loop should end on its own. The experiment has to end even if the timeout
/// never fires.
fn is_over(start: Instant) -> bool {
    start.elapsed() > LONG
}

fn seen(has_ended_late: bool) -> Seen {
    if has_ended_late { "the timeout never fires" } else { "the timeout ends it" }.into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let (lock, start) = (tokio::sync::Mutex::new(()), Instant::now());
    let always_ready = async {
        while !is_over(start) {
            drop(lock.lock().await);
        }
    };
    seen(tokio::time::timeout(A_MOMENT, always_ready).await.is_ok())
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (lock, start) = (async_std::sync::Mutex::new(()), Instant::now());
    let always_ready = async {
        while !is_over(start) {
            drop(lock.lock().await);
        }
    };
    seen(async_std::future::timeout(A_MOMENT, always_ready).await.is_ok())
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (lock, start) = (smol::lock::Mutex::new(()), Instant::now());
    let always_ready = async {
        while !is_over(start) {
            drop(lock.lock().await);
        }
        true
    };
    let timer = async {
        smol::Timer::after(A_MOMENT).await;
        false
    };
    seen(smol::future::or(always_ready, timer).await)
}
