//! What the lesson promises of `RateLimiter`, on the paused clock: nothing but timers waits here.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::poll;
use proptest::prelude::*;
use rate_limiter::{LimitError, RateLimiter};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance, sleep};

const WINDOW: Duration = Duration::from_millis(200);

fn limiter(max_requests: usize) -> RateLimiter {
    RateLimiter::new(max_requests, WINDOW).unwrap()
}

/// Grant k + N comes at least one window after grant k, for every k.
fn is_exact(grants: &[Instant], max_requests: usize) -> bool {
    grants.iter().zip(grants.iter().skip(max_requests)).all(|(k, later)| *later - *k >= WINDOW)
}

#[tokio::test(start_paused = true)]
async fn grant_k_plus_n_comes_a_window_after_grant_k() {
    let limiter = Arc::new(limiter(10));
    let mut callers = JoinSet::new();
    for _ in 0..200 {
        let limiter = Arc::clone(&limiter);
        callers.spawn(async move { limiter.acquire().await });
    }
    let mut grants = callers.join_all().await;
    grants.sort();
    assert!(is_exact(&grants, 10));
    // Full throughput: 20 windows' worth, the first of which is free.
    let total = grants[199] - grants[0];
    let (ideal, ticks) = (19 * WINDOW, 19 * Duration::from_millis(1));
    assert!((ideal..=ideal + ticks).contains(&total), "{total:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("STRESS").is_some() { 20_000 } else { 200 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Callers arrive after random pauses, and some give up after random times.
    #[test]
    fn the_window_is_exact_under_random_arrivals_and_cancellations(
        max_requests in 1_usize..6,
        callers in prop::collection::vec((0_u64..150, prop::option::of(0_u64..500)), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let mut grants = runtime.block_on(async {
            let limiter = Arc::new(limiter(max_requests));
            let mut tasks = JoinSet::new();
            for (pause, patience) in callers {
                sleep(Duration::from_millis(pause)).await;
                let limiter = Arc::clone(&limiter);
                tasks.spawn(async move {
                    match patience.map(Duration::from_millis) {
                        Some(patience) => {
                            tokio::time::timeout(patience, limiter.acquire()).await.ok()
                        }
                        None => Some(limiter.acquire().await),
                    }
                });
            }
            tasks.join_all().await.into_iter().flatten().collect::<Vec<_>>()
        });
        grants.sort();
        prop_assert!(is_exact(&grants, max_requests), "{grants:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let limiter = Arc::new(limiter(3));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for number in 0..50 {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        callers.spawn(async move {
            limiter.acquire().await;
            order.lock().unwrap().push(number);
        });
        yield_now().await; // let it take its place in the queue
    }
    callers.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_acquire_costs_nobody_anything() {
    // The callers waiting when some of them give up: one sleeps with the lock, the others queue.
    // Each set of them in turn is dropped, the sleeper and the first in the queue included.
    for dropped in 0_u32..1 << 5 {
        let limiter = limiter(1);
        let first = limiter.acquire().await;
        {
            let mut waiting: Vec<_> = (0..5).map(|_| Some(Box::pin(limiter.acquire()))).collect();
            for caller in waiting.iter_mut().flatten() {
                assert!(poll!(caller).is_pending());
            }
            advance(WINDOW / 2).await;
            for (place, caller) in waiting.iter_mut().enumerate() {
                if dropped & (1 << place) != 0 {
                    *caller = None;
                }
            }
            // Those who stay are granted as if the others had never come.
            for (k, caller) in (1..).zip(waiting.into_iter().flatten()) {
                assert_eq!(caller.await, first + k * WINDOW, "dropped {dropped:05b}");
            }
        }
        let stayed = 5 - dropped.count_ones();
        assert_eq!(limiter.acquire().await, first + (stayed + 1) * WINDOW);
    }
}

#[tokio::test(start_paused = true)]
async fn an_acquire_dropped_before_its_first_poll_never_came() {
    let limiter = limiter(1);
    drop(limiter.acquire());
    let start = Instant::now();
    assert_eq!(limiter.acquire().await, start);
}

#[tokio::test(start_paused = true)]
async fn an_acquire_dropped_when_its_turn_has_come_passes_it_on() {
    let limiter = limiter(1);
    let first = limiter.acquire().await;
    let mut sleeper = Box::pin(limiter.acquire());
    assert!(poll!(&mut sleeper).is_pending());
    let mut next = pin!(limiter.acquire());
    assert!(poll!(&mut next).is_pending());
    // Its timer has fired, and it is dropped before it could look.
    advance(WINDOW).await;
    drop(sleeper);
    assert_eq!(next.await, first + WINDOW);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_a_full_burst_is_free_and_no_more() {
    let limiter = limiter(3);
    sleep(100 * WINDOW).await;
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(limiter.acquire().await, start);
    }
    assert_eq!(limiter.acquire().await, start + WINDOW);
}

#[test]
fn zero_requests_a_zero_window_and_an_endless_one_are_refused() {
    assert_eq!(RateLimiter::new(0, WINDOW).unwrap_err(), LimitError::NoRequests);
    assert_eq!(RateLimiter::new(1, Duration::ZERO).unwrap_err(), LimitError::NoWindow);
    assert_eq!(
        RateLimiter::new(1, Duration::MAX).unwrap_err(),
        LimitError::WindowTooLong(Duration::MAX)
    );
    assert!(RateLimiter::new(1, Duration::from_nanos(1)).is_ok());
    assert!(RateLimiter::new(usize::MAX, Duration::from_secs(u32::MAX.into())).is_ok());
}
