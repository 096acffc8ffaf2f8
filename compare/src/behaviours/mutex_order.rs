//! Somebody waits for a lock. Whoever has it releases it, and wants it again at once.

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use super::Seen;

/// Polls a future for the first time. It waits from then on, and is not polled again here: so it has no
/// chance to take the lock and to give it back meanwhile.
fn get_in_the_queue(waits: Pin<&mut impl Future>) {
    assert!(waits.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

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
    let lock = tokio::sync::Mutex::new(());
    let held = lock.lock().await;
    let mut waits = pin!(lock.lock());
    get_in_the_queue(waits.as_mut());
    drop(held);
    seen(lock.try_lock().is_ok())
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let lock = async_std::sync::Mutex::new(());
        let held = lock.lock().await;
        let mut waits = pin!(lock.lock());
        get_in_the_queue(waits.as_mut());
        drop(held);
        seen(lock.try_lock().is_some())
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let lock = smol::lock::Mutex::new(());
        let held = lock.lock().await;
        let mut waits = pin!(lock.lock());
        get_in_the_queue(waits.as_mut());
        drop(held);
        seen(lock.try_lock().is_some())
    })
}
