//! Runs 200 callers that arrive at the same moment through each limiter, with a limit of 10 per 200
//! ms. Measures whether the limiter exceeds the limit, whether it keeps the callers in order, and
//! how many polls each grant takes.
//!
//! Run with: `cargo bench -p rate-limiter --features rivals --bench crowd`

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use governor::Quota;
use rate_limiter::RateLimiter;
use tokio::task::JoinSet;
use tokio::time::Instant;

#[path = "../src/naive.rs"]
mod naive;

const CALLERS: usize = 200;
const LIMIT: usize = 10;
const WINDOW: Duration = Duration::from_millis(200);

/// The measurements of one run.
struct Seen {
    most_in_any_window: usize,
    out_of_order_pairs: usize,
    polls_per_grant: f64,
    total: Duration,
}

/// Starts all callers in the order of their numbers, on this runtime's only thread. Each caller
/// records the time at which the limiter let it through.
async fn crowd<L, F>(limiter: L, acquire: fn(Arc<L>) -> F) -> Seen
where
    L: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (limiter, polls) = (Arc::new(limiter), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (limiter, polls) = (Arc::clone(&limiter), Arc::clone(&polls));
        callers.spawn(async move {
            let mut acquire = pin!(acquire(limiter));
            let counted = std::future::poll_fn(|cx| {
                polls.fetch_add(1, Relaxed);
                acquire.as_mut().poll(cx)
            });
            counted.await;
            (Instant::now(), number)
        });
    }
    let mut grants = callers.join_all().await;
    grants.sort();
    let within = |k: usize| grants[k..].iter().take_while(|g| g.0 - grants[k].0 < WINDOW).count();
    let earlier_but_later = |k: usize| grants[k..].iter().filter(|g| g.1 < grants[k].1).count();
    Seen {
        most_in_any_window: (0..CALLERS).map(within).max().unwrap_or(0),
        out_of_order_pairs: (0..CALLERS).map(earlier_but_later).sum(),
        polls_per_grant: polls.load(Relaxed) as f64 / CALLERS as f64,
        total: grants.last().map_or(Duration::ZERO, |last| last.0 - start),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ideal = WINDOW * ((CALLERS - 1) / LIMIT) as u32;
    println!("{CALLERS} callers, {LIMIT} per {WINDOW:?}; the ideal total is {ideal:.2?}\n");
    println!(
        "| limiter | most grants in a window | out-of-order pairs | polls per grant | total |"
    );
    println!("|---|---|---|---|---|");
    // Each round runs all limiters once. If the rounds differ a lot from each other, something has
    // disturbed the machine.
    for _ in 0..3 {
        let ours = RateLimiter::new(LIMIT, WINDOW).expect("the limit is valid");
        show("rate-limiter", crowd(ours, |l| async move { _ = l.acquire().await }).await);

        let burst = NonZeroU32::new(LIMIT as u32).expect("not zero");
        let quota = Quota::with_period(WINDOW / LIMIT as u32).expect("not zero").allow_burst(burst);
        let governor = governor::RateLimiter::direct(quota);
        show("governor", crowd(governor, |l| async move { l.until_ready().await }).await);

        let leaky = leaky_bucket::RateLimiter::builder()
            .max(LIMIT)
            .initial(LIMIT)
            .refill(LIMIT)
            .interval(WINDOW)
            .fair(true)
            .build();
        show("leaky-bucket", crowd(leaky, |l| async move { l.acquire_one().await }).await);

        let naive = naive::NaiveLimiter::new(LIMIT, WINDOW);
        show("naive", crowd(naive, |l| async move { _ = l.acquire().await }).await);
    }
}

fn show(name: &str, seen: Seen) {
    let Seen { most_in_any_window, out_of_order_pairs, polls_per_grant, total } = seen;
    println!(
        "| {name} | {most_in_any_window} | {out_of_order_pairs} | {polls_per_grant:.1} | {total:.2?} |"
    );
}
