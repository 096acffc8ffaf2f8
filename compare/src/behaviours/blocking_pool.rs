//! Six hundred blocking calls at once. How many run side by side, and what becomes of the others?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::Seen;

const CALLS: usize = 600;

/// Counts the calls that run at the same time.
#[derive(Clone, Default)]
struct Gauge(Arc<[AtomicUsize; 3]>);

impl Gauge {
    fn call(&self) {
        let [now, most, ended] = &*self.0;
        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        thread::sleep(Duration::from_millis(300));
        now.fetch_sub(1, SeqCst);
        ended.fetch_add(1, SeqCst);
    }

    fn seen(&self) -> Seen {
        let [_, most, ended] = &*self.0;
        let what_of_the_rest = match ended.load(SeqCst) {
            CALLS => "the rest waits",
            _ => "the rest is lost",
        };
        format!("{} at once, {what_of_the_rest}", most.load(SeqCst)).into()
    }
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let gauge = Gauge::default();
    let call = |_| {
        let gauge = gauge.clone();
        tokio::task::spawn_blocking(move || gauge.call())
    };
    for call in (0..CALLS).map(call).collect::<Vec<_>>() {
        call.await.expect("it does not panic");
    }
    gauge.seen()
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let gauge = Gauge::default();
        let call = |_| {
            let gauge = gauge.clone();
            async_std::task::spawn_blocking(move || gauge.call())
        };
        for call in (0..CALLS).map(call).collect::<Vec<_>>() {
            call.await;
        }
        gauge.seen()
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let gauge = Gauge::default();
        let call = |_| {
            let gauge = gauge.clone();
            smol::unblock(move || gauge.call())
        };
        for call in (0..CALLS).map(call).collect::<Vec<_>>() {
            call.await;
        }
        gauge.seen()
    })
}
