//! The root future returns while a task is still waiting. Is the task dropped?

use super::{A_MOMENT, Flag, Seen, SetOnDrop};

fn seen(was_dropped: &Flag) -> Seen {
    if was_dropped.is_set() {
        "tasks are dropped at their `.await`"
    } else {
        "tasks are not dropped"
    }
    .into()
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    #[tokio::main]
    async fn root(guard: SetOnDrop) {
        let (sender, has_started) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            let _guard = guard;
            let _ = sender.send(());
            std::future::pending::<()>().await
        });
        has_started.await.expect("the task starts");
    }
    let flag = Flag::default();
    root(SetOnDrop(flag.clone()));
    // The runtime has ended together with `root`.
    seen(&flag)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    let flag = Flag::default();
    let guard = SetOnDrop(flag.clone());
    async_std::task::block_on(async {
        let (sender, has_started) = async_std::channel::bounded(1);
        async_std::task::spawn(async move {
            let _guard = guard;
            let _ = sender.send(()).await;
            std::future::pending::<()>().await
        });
        has_started.recv().await.expect("the task starts");
    });
    std::thread::sleep(A_MOMENT);
    seen(&flag)
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let flag = Flag::default();
    let guard = SetOnDrop(flag.clone());
    smol::block_on(async {
        let (sender, has_started) = smol::channel::bounded(1);
        let waits = smol::spawn(async move {
            let _guard = guard;
            let _ = sender.send(()).await;
            std::future::pending::<()>().await
        });
        waits.detach();
        has_started.recv().await.expect("the task starts");
    });
    std::thread::sleep(A_MOMENT);
    seen(&flag)
}
