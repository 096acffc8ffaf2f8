//! A task is spawned, and whoever spawned it does not await anything for a while.

use std::thread;

use super::{Flag, LONGER, Seen};

fn seen(has_run: &Flag) -> Seen {
    if has_run.is_set() { "it runs at once, on another thread" } else { "it waits for the first `.await`" }
        .into()
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let flag = Flag::default();
    let ran = flag.clone();
    tokio::spawn(async move { ran.set() });
    thread::sleep(LONGER);
    seen(&flag)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let flag = Flag::default();
        let ran = flag.clone();
        async_std::task::spawn(async move { ran.set() });
        thread::sleep(LONGER);
        seen(&flag)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let flag = Flag::default();
        let ran = flag.clone();
        smol::spawn(async move { ran.set() }).detach();
        thread::sleep(LONGER);
        seen(&flag)
    })
}
