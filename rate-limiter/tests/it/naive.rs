//! Shows how far the limiter that people usually write exceeds the limit, and how a futurelock
//! arises.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::naive_limiter::NaiveLimiter;
use rate_limiter::RateLimiter;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const LIMIT: usize = 10;
const WINDOW: Duration = Duration::from_millis(200);
const CALLERS: usize = 200;
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

/// A naive limiter that follows common advice: each caller holds one lock during the whole call.
/// But the time that the caller records is still stale.
#[derive(Default)]
struct NaiveWithLock {
    times: Mutex<Vec<Instant>>,
}

impl NaiveWithLock {
    async fn acquire(&self) -> Instant {
        let mut times = self.times.lock().await;
        let now = Instant::now();
        times.retain(|time| now - *time < WINDOW);
        if times.len() >= LIMIT {
            sleep(WINDOW - (now - times[0])).await;
        }
        times.push(now);
        Instant::now()
    }
}

/// Starts 200 callers at the same moment, on the paused clock. Returns the largest number that
/// passed in one window.
async fn most_in_any_window<L, F>(limiter: L, acquire: impl Fn(Arc<L>) -> F) -> usize
where
    F: Future<Output = Instant> + Send + 'static,
{
    let limiter = Arc::new(limiter);
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(acquire(Arc::clone(&limiter)));
    }
    let mut times = callers.join_all().await;
    times.sort();
    (0..times.len())
        .map(|k| times[k..].iter().take_while(|time| **time - times[k] < WINDOW).count())
        .max()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_naive_limiter_lets_nearly_all_callers_through_in_one_window() {
    let naive = NaiveLimiter::new(LIMIT, WINDOW);
    let most = most_in_any_window(naive, |l| async move { l.acquire().await }).await;
    assert_eq!(most, CALLERS - LIMIT, "all callers that slept must pass at the same moment");
}

#[tokio::test(start_paused = true)]
async fn a_naive_limiter_with_a_lock_still_lets_one_caller_too_many_through() {
    let most =
        most_in_any_window(NaiveWithLock::default(), |l| async move { l.acquire().await }).await;
    assert_eq!(most, LIMIT + 1);
}

#[tokio::test(start_paused = true)]
async fn our_limiter_lets_exactly_the_limit_through() {
    let ours = RateLimiter::new(LIMIT, WINDOW).unwrap();
    let most = most_in_any_window(ours, |l| async move { l.acquire().await.at }).await;
    assert_eq!(most, LIMIT);
}

/// The caller stops waiting after a moment, but keeps its first future, and calls `acquire` again.
/// The second call waits behind the first future. Only this task could poll the first future, but
/// the task is waiting for the second call. This is a *futurelock*.
#[tokio::test(start_paused = true)]
async fn a_caller_that_keeps_an_unpolled_acquire_can_never_acquire_again() {
    let limiter = RateLimiter::new(1, WINDOW).unwrap();
    limiter.acquire().await;
    let mut acquire = pin!(limiter.acquire());
    tokio::select! {
        _ = &mut acquire => panic!("the window is full"),
        () = sleep(WINDOW / 2) => {}
    }
    assert!(
        timeout(AN_HOUR, limiter.acquire()).await.is_err(),
        "the second call must wait forever"
    );
    // As soon as the first future is polled again, it gets its grant, and the queue moves on.
    acquire.await;
}

/// The cure for a futurelock is to let `select!` own the future, so that the future is dropped when
/// the other branch wins.
#[tokio::test(start_paused = true)]
async fn a_caller_that_drops_its_acquire_can_acquire_again() {
    let limiter = RateLimiter::new(1, WINDOW).unwrap();
    let first = limiter.acquire().await.at;
    tokio::select! {
        _ = limiter.acquire() => panic!("the window is full"),
        () = sleep(WINDOW / 2) => {}
    }
    assert_eq!(limiter.acquire().await.at - first, WINDOW);
}
