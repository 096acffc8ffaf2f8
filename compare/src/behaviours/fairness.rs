//! Twice as many tasks as there are cores yield in a loop. Does a sleeping task get a turn when its
//! sleep is over?

use std::thread;
use std::time::{Duration, Instant};

use super::{A_MOMENT, Flag, Seen};

fn busy() -> usize {
    2 * thread::available_parallelism().map_or(1, usize::from)
}

/// Returns whether a busy task should continue. A busy task continues until the sleeper stops it,
/// or until it is clear that the sleeper starves.
fn continues(stop: &Flag, start: Instant) -> bool {
    !stop.is_set() && start.elapsed() < Duration::from_secs(3)
}

/// Returns the answer. `took` is how long the sleeper slept before it stopped the busy tasks.
fn seen(took: Duration) -> Seen {
    let answer = if took < Duration::from_secs(3) { "it does" } else { "it starves" };
    Seen::from(answer).with(format!("a sleep of 20 ms took {:.0} ms", took.as_secs_f64() * 1e3))
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let (stop, start) = (Flag::default(), Instant::now());
    for _ in 0..busy() {
        let stop = stop.clone();
        tokio::spawn(async move {
            while continues(&stop, start) {
                tokio::task::yield_now().await;
            }
        });
    }
    let sleeper = tokio::spawn(async move {
        tokio::time::sleep(A_MOMENT).await;
        stop.set();
        start.elapsed()
    });
    seen(sleeper.await.expect("the task does not panic"))
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (stop, start) = (Flag::default(), Instant::now());
    for _ in 0..busy() {
        let stop = stop.clone();
        async_std::task::spawn(async move {
            while continues(&stop, start) {
                async_std::task::yield_now().await;
            }
        });
    }
    let sleeper = async_std::task::spawn(async move {
        async_std::task::sleep(A_MOMENT).await;
        stop.set();
        start.elapsed()
    });
    seen(sleeper.await)
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (stop, start) = (Flag::default(), Instant::now());
    for _ in 0..busy() {
        let stop = stop.clone();
        let yields = smol::spawn(async move {
            while continues(&stop, start) {
                smol::future::yield_now().await;
            }
        });
        yields.detach();
    }
    let sleeper = smol::spawn(async move {
        smol::Timer::after(A_MOMENT).await;
        stop.set();
        start.elapsed()
    });
    seen(sleeper.await)
}
