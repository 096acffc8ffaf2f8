//! A program makes 600 blocking calls. How many of them run concurrently, and what happens to the
//! others?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::{Flag, LONG, Seen};

const CALLS: usize = 600;

/// Counts the calls that have started. Each call blocks until all of them are released.
#[derive(Clone, Default)]
struct Gauge {
    begun: Arc<AtomicUsize>,
    release: Flag,
}

impl Gauge {
    fn call(&self) {
        self.begun.fetch_add(1, SeqCst);
        while !self.release.is_set() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until no more calls start, releases all of them, and returns how many had started.
    fn most(&self) -> usize {
        let (mut most, mut since) = (0, Instant::now());
        while since.elapsed() < LONG || most == 0 {
            thread::sleep(Duration::from_millis(5));
            let now = self.begun.load(SeqCst);
            if now > most {
                (most, since) = (now, Instant::now());
            }
        }
        self.release.set();
        most
    }

    /// Returns the answer. Call this after all calls have been awaited.
    fn seen(&self, most: usize) -> Seen {
        let fate = match self.begun.load(SeqCst) {
            CALLS => "the others wait for a thread",
            _ => "the others are lost",
        };
        format!("{most}, and {fate}").into()
    }
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let gauge = Gauge::default();
    let call = |_| {
        let gauge = gauge.clone();
        tokio::task::spawn_blocking(move || gauge.call())
    };
    let calls: Vec<_> = (0..CALLS).map(call).collect();
    let most = gauge.most();
    for call in calls {
        call.await.expect("the task does not panic");
    }
    gauge.seen(most)
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
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
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
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
}
