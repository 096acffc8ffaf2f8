//! Somebody waits for a lock. Whoever has it releases it, and wants it again at once.

use std::sync::Arc;

use super::{A_MOMENT, Seen};

fn seen(has_overtaken: bool) -> Seen {
    match has_overtaken {
        true => "eventual: who comes later may be first",
        false => "strict: first come, first served",
    }
    .into()
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    let held = lock.lock().await;
    let waits = Arc::clone(&lock);
    tokio::spawn(async move { drop(waits.lock().await) });
    tokio::time::sleep(A_MOMENT).await;
    drop(held);
    let has_overtaken = lock.try_lock().is_ok();
    seen(has_overtaken)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let lock = Arc::new(async_std::sync::Mutex::new(()));
        let held = lock.lock().await;
        let waits = Arc::clone(&lock);
        async_std::task::spawn(async move { drop(waits.lock().await) });
        async_std::task::sleep(A_MOMENT).await;
        drop(held);
        let has_overtaken = lock.try_lock().is_some();
        seen(has_overtaken)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let lock = Arc::new(smol::lock::Mutex::new(()));
        let held = lock.lock().await;
        let waits = Arc::clone(&lock);
        smol::spawn(async move { drop(waits.lock().await) }).detach();
        smol::Timer::after(A_MOMENT).await;
        drop(held);
        let has_overtaken = lock.try_lock().is_some();
        seen(has_overtaken)
    })
}
