//! Six hundred blocking calls at once. How many run side by side, and what becomes of the others?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::{Flag, Seen};

const CALLS: usize = 600;

/// Counts the calls that run at the same time. Each blocks until all are let go.
#[derive(Clone, Default)]
struct Gauge {
    running: Arc<AtomicUsize>,
    let_go: Flag,
}

impl Gauge {
    fn call(&self) {
        self.running.fetch_add(1, SeqCst);
        while !self.let_go.is_set() {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until no more calls come, and lets all of them go.
    fn most(&self) -> usize {
        let mut most = 0;
        loop {
            thread::sleep(Duration::from_millis(250));
            let now = self.running.load(SeqCst);
            if now == most {
                self.let_go.set();
                return most;
            }
            most = now;
        }
    }

    fn seen(&self, most: usize) -> Seen {
        let what_of_the_rest = match self.running.load(SeqCst) {
            CALLS => "the rest waits",
            _ => "the rest is lost",
        };
        format!("{most} at once, {what_of_the_rest}").into()
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
    let calls: Vec<_> = (0..CALLS).map(call).collect();
    let most = gauge.most();
    for call in calls {
        call.await.expect("it does not panic");
    }
    gauge.seen(most)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let gauge = Gauge::default();
        let call = |_| {
            let gauge = gauge.clone();
            async_std::task::spawn_blocking(move || gauge.call())
        };
        let calls: Vec<_> = (0..CALLS).map(call).collect();
        let most = gauge.most();
        for call in calls {
            call.await;
        }
        gauge.seen(most)
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
        let calls: Vec<_> = (0..CALLS).map(call).collect();
        let most = gauge.most();
        for call in calls {
            call.await;
        }
        gauge.seen(most)
    })
}
