//! Sleeps of 1.1 ms, one after the other. How much too late do they end?

use std::time::{Duration, Instant};

use super::Seen;

const SLEEP: Duration = Duration::from_micros(1100);
const TIMES: usize = 60;

/// A quarter of them was not later than this; the machine may have been busy with the others.
fn seen(mut lateness: Vec<Duration>) -> Seen {
    lateness.sort();
    let (quarter, half) = (lateness[TIMES / 4], lateness[TIMES / 2]);
    let answer = match quarter < Duration::from_micros(500) {
        true => "less than half a millisecond",
        false => "half a millisecond or more",
    };
    Seen::from(answer).with(format!("the median is {:.2} ms late", half.as_secs_f64() * 1e3))
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let mut lateness = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        tokio::time::sleep(SLEEP).await;
        lateness.push(start.elapsed() - SLEEP);
    }
    seen(lateness)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let mut lateness = Vec::new();
        for _ in 0..TIMES {
            let start = Instant::now();
            async_std::task::sleep(SLEEP).await;
            lateness.push(start.elapsed() - SLEEP);
        }
        seen(lateness)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let mut lateness = Vec::new();
        for _ in 0..TIMES {
            let start = Instant::now();
            smol::Timer::after(SLEEP).await;
            lateness.push(start.elapsed() - SLEEP);
        }
        seen(lateness)
    })
}
