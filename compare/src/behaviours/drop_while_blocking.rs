//! The root future returns while a blocking call is still at work.

use std::thread;
use std::time::Instant;

use super::{A_MOMENT, LONGER, Seen};

/// How long it took from the end of the root future until the runtime let go of us.
fn seen(root_ended: Instant) -> Seen {
    let waited = root_ended.elapsed();
    let answer = if waited > LONGER { "the end waits for it" } else { "nobody waits for it" };
    Seen::from(answer).with(format!("{:.0} ms", waited.as_secs_f64() * 1e3))
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    #[tokio::main]
    async fn root() -> Instant {
        tokio::task::spawn_blocking(|| thread::sleep(3 * LONGER));
        tokio::time::sleep(A_MOMENT).await;
        Instant::now()
    }
    seen(root())
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    seen(async_std::task::block_on(async {
        async_std::task::spawn_blocking(|| thread::sleep(3 * LONGER));
        async_std::task::sleep(A_MOMENT).await;
        Instant::now()
    }))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    seen(smol::block_on(async {
        smol::unblock(|| thread::sleep(3 * LONGER)).detach();
        smol::Timer::after(A_MOMENT).await;
        Instant::now()
    }))
}
