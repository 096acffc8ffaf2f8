//! The root future returns while a blocking call is at work, which has begun.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use super::{LONGER, Seen};

/// Says that it has begun, and goes on for a while.
fn call(begun: Sender<()>) {
    let _ = begun.send(());
    thread::sleep(3 * LONGER);
}

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
        let (begun, has_begun) = channel();
        tokio::task::spawn_blocking(|| call(begun));
        has_begun.recv().expect("it begins");
        Instant::now()
    }
    seen(root())
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    seen(async_std::task::block_on(async {
        let (begun, has_begun) = channel();
        async_std::task::spawn_blocking(|| call(begun));
        has_begun.recv().expect("it begins");
        Instant::now()
    }))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    seen(smol::block_on(async {
        let (begun, has_begun) = channel();
        smol::unblock(|| call(begun)).detach();
        has_begun.recv().expect("it begins");
        Instant::now()
    }))
}
