//! Inside a future, `block_on` waits for a spawned task. Does that work, and does it still work if
//! all other worker threads are blocked?

use std::sync::mpsc::channel;
use std::thread;

use super::{LONG, Seen, attempt};

/// The number of tasks that can block while one worker thread stays free, on a runtime with one
/// worker per core.
fn all_but_one() -> usize {
    thread::available_parallelism().map_or(1, usize::from) - 1
}

fn seen(with_free_threads: bool, without: bool) -> Seen {
    match (with_free_threads, without) {
        (true, true) => "it works",
        (true, false) => "it works, but hangs if no other worker is free",
        (false, _) => "it hangs",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let runtime = tokio::runtime::Handle::current();
    attempt(async { runtime.block_on(tokio::spawn(async {})).expect("the task does not panic") })
        .await
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    // Returns whether a nested `block_on` can wait for a task. The timeout keeps the experiment
    // from hanging if it can't.
    let works = || {
        let task = async_std::task::spawn(async {});
        async_std::task::block_on(async_std::future::timeout(LONG, task)).is_ok()
    };
    let with_free_threads = works();
    let (release, is_released) = channel::<()>();
    let is_released = std::sync::Arc::new(std::sync::Mutex::new(is_released));
    let (sender, blocked) = channel();
    for _ in 0..all_but_one() {
        let (sender, is_released) = (sender.clone(), is_released.clone());
        async_std::task::spawn(async move {
            let _ = sender.send(());
            let _ = is_released.lock().map(|channel| channel.recv());
        });
    }
    for _ in 0..all_but_one() {
        let _ = blocked.recv();
    }
    let without = works();
    drop(release);
    seen(with_free_threads, without)
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let works = smol::block_on(smol::future::or(
        async {
            smol::spawn(async {}).await;
            true
        },
        async {
            smol::Timer::after(LONG).await;
            false
        },
    ));
    // smol has only one worker thread by default, so there are no other threads to block.
    seen(works, works)
}
