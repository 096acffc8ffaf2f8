//! A task panics that nobody awaits.

use super::{A_MOMENT, Flag, LONGER, Seen};

/// Whether a task that was spawned afterwards still runs.
fn seen(has_ended: &Flag) -> Seen {
    if has_ended.is_set() { "the others go on" } else { "the others stop" }.into()
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    tokio::spawn(async { panic!("a bug") });
    tokio::time::sleep(A_MOMENT).await;
    let flag = Flag::default();
    let ended = flag.clone();
    tokio::spawn(async move { ended.set() });
    tokio::time::sleep(LONGER).await;
    seen(&flag)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        async_std::task::spawn(async { panic!("a bug") });
        async_std::task::sleep(A_MOMENT).await;
        let flag = Flag::default();
        let ended = flag.clone();
        async_std::task::spawn(async move { ended.set() });
        async_std::task::sleep(LONGER).await;
        seen(&flag)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        smol::spawn(async { panic!("a bug") }).detach();
        smol::Timer::after(A_MOMENT).await;
        let flag = Flag::default();
        let ended = flag.clone();
        smol::spawn(async move { ended.set() }).detach();
        smol::Timer::after(LONGER).await;
        seen(&flag)
    })
}
