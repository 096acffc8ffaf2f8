//! The root future returns while a task still waits.

use super::{A_MOMENT, Flag, LONGER, Seen, SetOnDrop};

fn seen(was_dropped: &Flag) -> Seen {
    if was_dropped.is_set() { "they are dropped at their `.await`" } else { "they are left as they are" }
        .into()
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    #[tokio::main]
    async fn root(guard: SetOnDrop) {
        tokio::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await
        });
        tokio::time::sleep(A_MOMENT).await;
    }
    let flag = Flag::default();
    root(SetOnDrop(flag.clone()));
    std::thread::sleep(LONGER);
    seen(&flag)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    let flag = Flag::default();
    let guard = SetOnDrop(flag.clone());
    async_std::task::block_on(async {
        async_std::task::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await
        });
        async_std::task::sleep(A_MOMENT).await;
    });
    std::thread::sleep(LONGER);
    seen(&flag)
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let flag = Flag::default();
    let guard = SetOnDrop(flag.clone());
    smol::block_on(async {
        let waits = smol::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await
        });
        waits.detach();
        smol::Timer::after(A_MOMENT).await;
    });
    std::thread::sleep(LONGER);
    seen(&flag)
}
