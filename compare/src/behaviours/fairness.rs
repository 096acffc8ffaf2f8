//! Tasks that yield in a loop, more of them than there are threads. Do others get a turn?

use std::thread;
use std::time::Instant;

use super::{A_MOMENT, Flag, LONGER, Seen};

/// Twice as many as there are threads to run them.
fn busy() -> usize {
    2 * thread::available_parallelism().map_or(1, usize::from)
}

/// `took` is what a sleep of a moment has taken, in a task of its own.
fn seen(took: std::time::Duration) -> Seen {
    let answer = if took < LONGER { "they do" } else { "they wait" };
    Seen::from(answer).with(format!("a sleep of 20 ms took {:.0} ms", took.as_secs_f64() * 1e3))
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let stop = Flag::default();
    for _ in 0..busy() {
        let stop = stop.clone();
        tokio::spawn(async move {
            while !stop.is_set() {
                tokio::task::yield_now().await;
            }
        });
    }
    let start = Instant::now();
    let sleeper = tokio::spawn(async move {
        tokio::time::sleep(A_MOMENT).await;
        start.elapsed()
    });
    let took = sleeper.await.expect("it does not panic");
    stop.set();
    seen(took)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let stop = Flag::default();
        for _ in 0..busy() {
            let stop = stop.clone();
            async_std::task::spawn(async move {
                while !stop.is_set() {
                    async_std::task::yield_now().await;
                }
            });
        }
        let start = Instant::now();
        let sleeper = async_std::task::spawn(async move {
            async_std::task::sleep(A_MOMENT).await;
            start.elapsed()
        });
        let took = sleeper.await;
        stop.set();
        seen(took)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let stop = Flag::default();
        for _ in 0..busy() {
            let stop = stop.clone();
            let yields = smol::spawn(async move {
                while !stop.is_set() {
                    smol::future::yield_now().await;
                }
            });
            yields.detach();
        }
        let start = Instant::now();
        let sleeper = smol::spawn(async move {
            smol::Timer::after(A_MOMENT).await;
            start.elapsed()
        });
        let took = sleeper.await;
        stop.set();
        seen(took)
    })
}
