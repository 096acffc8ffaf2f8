//! A task is spawned, and its handle dropped at once.

use super::{A_MOMENT, Flag, LONGER, Seen};

fn seen(has_ended: &Flag) -> Seen {
    if has_ended.is_set() { "the task goes on" } else { "the task is cancelled" }.into()
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let flag = Flag::default();
    let ended = flag.clone();
    drop(tokio::spawn(async move {
        tokio::time::sleep(A_MOMENT).await;
        ended.set();
    }));
    tokio::time::sleep(LONGER).await;
    seen(&flag)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let flag = Flag::default();
        let ended = flag.clone();
        drop(async_std::task::spawn(async move {
            async_std::task::sleep(A_MOMENT).await;
            ended.set();
        }));
        async_std::task::sleep(LONGER).await;
        seen(&flag)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let flag = Flag::default();
        let ended = flag.clone();
        drop(smol::spawn(async move {
            smol::Timer::after(A_MOMENT).await;
            ended.set();
        }));
        smol::Timer::after(LONGER).await;
        seen(&flag)
    })
}
