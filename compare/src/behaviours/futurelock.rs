//! A task polls a lock future once, as `select!` would, while the lock is held. After that, the
//! task neither polls nor drops the future. The holder releases the lock, and the task asks for the
//! lock again. Does the task get it?

use std::pin::pin;

use super::{LONG, Seen, poll_once};

// A `select!` that has `&mut waits` as a branch polls the lock future in the same way: if another
// branch is ready, the `select!` ends, and nothing polls the lock future again.

fn seen(has_lock: bool) -> Seen {
    if has_lock { "the task gets the lock" } else { "the task waits forever" }.into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let lock = tokio::sync::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    poll_once(waits.as_mut());
    drop(held);
    seen(tokio::time::timeout(LONG, lock.lock()).await.is_ok())
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let lock = async_std::sync::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    poll_once(waits.as_mut());
    drop(held);
    seen(async_std::future::timeout(LONG, lock.lock()).await.is_ok())
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let lock = smol::lock::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    poll_once(waits.as_mut());
    drop(held);
    let timer = async {
        smol::Timer::after(LONG).await;
        None
    };
    seen(smol::future::or(async { Some(lock.lock().await) }, timer).await.is_some())
}
