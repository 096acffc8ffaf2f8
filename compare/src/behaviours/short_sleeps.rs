//! A task sleeps for 1.1 ms, many times in a row. How late do the sleeps end?

use std::time::{Duration, Instant};

use super::Seen;

const SLEEP: Duration = Duration::from_micros(1100);
const SLEEPS: usize = 60;
/// On a busy machine, every sleep of a round may end late. If the timer is precise, at least one of
/// several rounds will show that.
const ROUNDS: usize = 8;

/// Records how late each sleep of a round ended.
#[derive(Default)]
struct Lateness(Vec<Duration>);

impl Lateness {
    fn add(&mut self, start: Instant) {
        self.0.push(start.elapsed().saturating_sub(SLEEP));
    }

    /// Returns whether the timer is precise. Only the best quarter of the sleeps counts, because
    /// the others may have had to wait for a core.
    fn is_exact(&mut self) -> bool {
        self.0.sort();
        self.0[SLEEPS / 4] < Duration::from_micros(500)
    }

    fn seen(&self, is_exact: bool) -> Seen {
        let answer = match is_exact {
            true => "less than half a millisecond",
            false => "half a millisecond or more",
        };
        let median = self.0[SLEEPS / 2].as_secs_f64() * 1e3;
        Seen::from(answer).with(format!("the median is {median:.2} ms late"))
    }
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    // One round is enough. Tokio's timer is coarse, so more rounds would only make it more likely
    // that one of them looks precise by chance.
    let mut lateness = Lateness::default();
    for _ in 0..SLEEPS {
        let start = Instant::now();
        tokio::time::sleep(SLEEP).await;
        lateness.add(start);
    }
    let is_exact = lateness.is_exact();
    lateness.seen(is_exact)
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    let (mut lateness, mut is_exact) = (Lateness::default(), false);
    for _ in 0..ROUNDS {
        lateness = Lateness::default();
        for _ in 0..SLEEPS {
            let start = Instant::now();
            async_std::task::sleep(SLEEP).await;
            lateness.add(start);
        }
        is_exact = lateness.is_exact();
        if is_exact {
            break;
        }
    }
    lateness.seen(is_exact)
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    let (mut lateness, mut is_exact) = (Lateness::default(), false);
    for _ in 0..ROUNDS {
        lateness = Lateness::default();
        for _ in 0..SLEEPS {
            let start = Instant::now();
            smol::Timer::after(SLEEP).await;
            lateness.add(start);
        }
        is_exact = lateness.is_exact();
        if is_exact {
            break;
        }
    }
    lateness.seen(is_exact)
}
