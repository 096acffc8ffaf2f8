//! One future waits for a lock. The holder releases the lock and immediately asks for it again.
//! Which of the two gets the lock?

use std::pin::pin;

use super::{Seen, poll_once};

fn seen(has_overtaken: bool) -> Seen {
    match has_overtaken {
        true => "eventually fair: a later caller may get it first",
        false => "strictly fair: first come, first served",
    }
    .into()
}

// The waiting future is polled only once. If a task polled this future, the task could take the
// lock and release it again before we check.

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let lock = tokio::sync::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    poll_once(waits.as_mut());
    drop(held);
    seen(lock.try_lock().is_ok())
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let lock = async_std::sync::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    poll_once(waits.as_mut());
    drop(held);
    seen(lock.try_lock().is_some())
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let lock = smol::lock::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    poll_once(waits.as_mut());
    drop(held);
    seen(lock.try_lock().is_some())
}
