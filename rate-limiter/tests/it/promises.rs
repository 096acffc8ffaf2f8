//! Tests the promises of `RateLimiter`, one by one. The tests run on the paused clock, because
//! they wait only for timers.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use proptest::prelude::*;
use rate_limiter::{Grant, LimitError, RateLimiter};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, timeout};

const WINDOW: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_millis(1);

fn limiter(max_requests: usize) -> RateLimiter {
    RateLimiter::new(max_requests, WINDOW).unwrap()
}

/// Returns the times of grants in the order of their sequence numbers. A grant of `n` counts `n`
/// times.
fn times(mut grants: Vec<(usize, Grant)>) -> Vec<Instant> {
    grants.sort_by_key(|(_, grant)| grant.sequence);
    grants.into_iter().flat_map(|(n, grant)| vec![grant.at; n]).collect()
}

/// Returns whether grant k + N comes at least one window after grant k, for every k.
fn is_exact(times: &[Instant], max_requests: usize) -> bool {
    times.iter().zip(times.iter().skip(max_requests)).all(|(k, later)| *later - *k >= WINDOW)
}

#[tokio::test(start_paused = true)]
async fn grant_k_plus_n_comes_a_window_after_grant_k() {
    let limiter = limiter(10);
    let grants = join_all((0..200).map(async |_| (1, limiter.acquire().await))).await;
    assert!(is_exact(&times(grants), 10));
}

#[tokio::test(start_paused = true)]
async fn no_grant_is_later_than_necessary() {
    let limiter = limiter(10);
    let start = Instant::now();
    let grants = join_all((0..200).map(async |_| (1, limiter.acquire().await))).await;
    for (k, time) in (0_u32..).zip(times(grants)) {
        // Ten grants share each window. In every window, one timer may fire a tick late.
        let ideal = start + k / 10 * WINDOW;
        let late = time - ideal;
        assert!(late <= k / 10 * TICK, "grant {k} came {late:?} late");
    }
}

/// The call that one caller makes in the property test.
#[derive(Debug, Clone)]
enum Call {
    /// Waits for one grant.
    One,
    /// Waits for this many grants.
    Many(usize),
    /// Takes a grant only if one is available now.
    Try,
    /// Waits for one grant, and gives up after this time.
    GiveUp(Duration),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => Just(Call::One),
        2 => (1_usize..5).prop_map(Call::Many),
        1 => Just(Call::Try),
        3 => (0_u64..500).prop_map(|ms| Call::GiveUp(Duration::from_millis(ms))),
    ]
}

/// Runs a schedule of pauses and calls. Returns each grant with its size and the index of its
/// caller in the schedule.
async fn run(max_requests: usize, schedule: Vec<(u64, Call)>) -> Vec<(usize, usize, Grant)> {
    let limiter = Arc::new(limiter(max_requests));
    let mut tasks = JoinSet::new();
    for (place, (pause, call)) in schedule.into_iter().enumerate() {
        // Yielding lets the runtime poll the previous caller first, so that a burst arrives in
        // order.
        tokio::task::yield_now().await;
        if pause > 0 {
            sleep(Duration::from_millis(pause)).await;
        }
        let limiter = Arc::clone(&limiter);
        tasks.spawn(async move {
            let (n, grant) = match call {
                Call::One => (1, Some(limiter.acquire().await)),
                Call::Many(n) => (n, limiter.acquire_many(n).await.ok()),
                Call::Try => (1, limiter.try_acquire()),
                Call::GiveUp(patience) => (1, timeout(patience, limiter.acquire()).await.ok()),
            };
            grant.map(|grant| (place, n, grant))
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("STRESS").is_some() { 30_000 } else { 300 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn limit_and_order_hold_under_random_arrivals_bursts_and_cancellations(
        max_requests in 1_usize..6,
        schedule in prop::collection::vec((prop_oneof![Just(0), 0_u64..150], call()), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let mut grants = runtime.block_on(run(max_requests, schedule));
        grants.sort_by_key(|(_, _, grant)| grant.sequence);

        let places: Vec<_> = grants.iter().map(|(place, ..)| *place).collect();
        prop_assert!(places.is_sorted(), "not in the order of arrival: {places:?}");
        // No number is skipped or used twice: each one equals the total of the grants before it.
        let mut granted = 0;
        for (_, n, grant) in &grants {
            prop_assert_eq!(grant.sequence, granted);
            granted += *n as u64;
        }
        let times = times(grants.into_iter().map(|(_, n, grant)| (n, grant)).collect());
        prop_assert!(is_exact(&times, max_requests), "{:?}", times);
    }
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_is_used_later_can_get_the_time_of_its_use() {
    // Each caller waits for a while between getting a grant and using it, as a caller that writes
    // to a full pipe would.
    let limiter = limiter(3);
    let mut used = Vec::new();
    for wait in [0, 190, 0, 0, 350, 0, 10, 20, 0, 0] {
        let grant = limiter.acquire().await;
        sleep(Duration::from_millis(wait)).await;
        let again = limiter.restamp(grant).unwrap();
        assert_eq!((again.sequence, again.at), (grant.sequence, Instant::now()));
        used.push((1, again));
    }
    assert!(is_exact(&times(used), 3));
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_grant_can_get_another_time() {
    let limiter = limiter(2);
    let first = limiter.acquire().await;
    let second = limiter.acquire().await;
    advance(TICK).await;
    assert_eq!(limiter.restamp(first), None);
    assert!(limiter.restamp(second).is_some());
    // `restamp` has not changed the time of the first grant.
    sleep(WINDOW - TICK).await;
    assert!(limiter.try_acquire().is_some());
    assert!(limiter.try_acquire().is_none());
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let limiter = limiter(3);
    let grants = join_all((0..50).map(async |_| limiter.acquire().await)).await;
    let order: Vec<_> = grants.iter().map(|grant| grant.sequence).collect();
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

/// The states in which an `acquire` can be dropped before it is done.
#[derive(Debug, Clone, Copy)]
enum DroppedWhile {
    /// The future has never been polled.
    Unpolled,
    /// The future waits in the queue of the lock.
    Queued,
    /// The future owns the lock and was woken, but has not been polled since it was woken.
    HandedTheLock,
    /// The future sleeps while holding the lock.
    Sleeping,
    /// The timer has fired and woken the future, but the future has not been polled again yet.
    TimerFired,
}

/// Calls `acquire` six times on a limiter with a limit of two. The first two callers get their
/// grants immediately, the next three wait, and the last one arrives after these. Returns the times
/// of the last four grants. If `dropped` is set, one more caller waits with the three, and is
/// dropped.
async fn grants_with(dropped: Option<DroppedWhile>) -> Vec<Duration> {
    use DroppedWhile::*;
    let limiter = limiter(2);
    let start = Instant::now();
    limiter.acquire().await;
    limiter.acquire().await;

    let mut before = Box::pin(limiter.acquire());
    let mut victim = dropped.map(|_| Box::pin(limiter.acquire()));
    let (mut second, mut third) = (Box::pin(limiter.acquire()), Box::pin(limiter.acquire()));

    // To be the one that sleeps, the dropped caller has to be first in the queue. Otherwise it
    // arrives second.
    let sleeps = matches!(dropped, Some(Sleeping | TimerFired));
    if !sleeps {
        assert!(poll!(&mut before).is_pending());
    }
    if let Some(victim) = victim.as_mut().filter(|_| !matches!(dropped, Some(Unpolled))) {
        assert!(poll!(victim).is_pending());
    }
    if sleeps {
        assert!(poll!(&mut before).is_pending());
    }
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());

    let mut grants = Vec::new();
    match dropped {
        Some(Queued | Unpolled | Sleeping) => {
            advance(WINDOW / 2).await;
            victim = None;
        }
        Some(TimerFired) => {
            advance(WINDOW).await;
            victim = None;
        }
        Some(HandedTheLock) => {
            advance(WINDOW).await;
            // The sleeper gets its grant and hands the lock to the next caller in the queue, which
            // is the victim.
            grants.push((&mut before).await.at - start);
            victim = None;
        }
        None => {}
    }
    drop(victim);
    if grants.is_empty() {
        grants.push(before.await.at - start);
    }
    grants.push(second.await.at - start);
    grants.push(third.await.at - start);
    grants.push(limiter.acquire().await.at - start);
    grants
}

#[tokio::test(start_paused = true)]
async fn dropping_an_acquire_at_any_await_does_not_delay_the_others() {
    use DroppedWhile::*;
    let without = grants_with(None).await;
    assert_eq!(without, [1, 1, 2, 2].map(|windows| windows * WINDOW));
    for dropped in [Unpolled, Queued, HandedTheLock, Sleeping, TimerFired] {
        assert_eq!(grants_with(Some(dropped)).await, without, "dropped while {dropped:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_any_set_of_callers_does_not_delay_the_others() {
    // Five callers wait, and the first of them sleeps. We let each subset of these callers give up
    // once.
    for dropped in 0_u32..1 << 5 {
        let limiter = limiter(1);
        let first = limiter.acquire().await.at;
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
        // The remaining callers get their grants as if the dropped ones had never arrived.
        for (k, caller) in (1..).zip(waiting.into_iter().flatten()) {
            assert_eq!(caller.await.at, first + k * WINDOW, "dropped {dropped:05b}");
        }
        let stayed = 5 - dropped.count_ones();
        assert_eq!(limiter.acquire().await.at, first + (stayed + 1) * WINDOW);
    }
}

/// Counts how many times a future is polled.
struct Counted<'a, F>(F, &'a AtomicUsize);

impl<F: Future + Unpin> Future for Counted<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.fetch_add(1, SeqCst);
        Pin::new(&mut self.0).poll(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_grant_takes_at_most_three_polls_with_ten_thousand_waiting() {
    let (limiter, polls) = (Arc::new(limiter(10)), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..10_000 {
        let (limiter, polls) = (Arc::clone(&limiter), Arc::clone(&polls));
        callers.spawn(async move { Counted(pin!(limiter.acquire()), &polls).await });
    }
    assert_eq!(callers.join_all().await.len(), 10_000);
    let polls = polls.load(SeqCst);
    assert!(polls <= 30_000, "{polls} polls");
}

#[tokio::test(start_paused = true)]
async fn try_acquire_returns_a_grant_if_there_is_room_and_never_waits() {
    let limiter = limiter(2);
    let start = Instant::now();
    assert_eq!(limiter.try_acquire(), Some(Grant { at: start, sequence: 0 }));
    assert_eq!(limiter.try_acquire(), Some(Grant { at: start, sequence: 1 }));
    assert_eq!(limiter.try_acquire(), None);
    advance(WINDOW - TICK).await;
    assert_eq!(limiter.try_acquire(), None);
    advance(TICK).await;
    assert_eq!(limiter.try_acquire(), Some(Grant { at: start + WINDOW, sequence: 2 }));
}

#[tokio::test(start_paused = true)]
async fn try_acquire_never_jumps_the_queue() {
    let limiter = limiter(2);
    limiter.acquire_many(2).await.unwrap();
    let mut large = Box::pin(limiter.acquire_many(2));
    assert!(poll!(&mut large).is_pending());
    let mut next = Box::pin(limiter.acquire());
    assert!(poll!(&mut next).is_pending());

    // The window is free again. The callers in front were woken, but have not been polled yet.
    advance(WINDOW).await;
    assert_eq!(limiter.try_acquire(), None);
    large.await.unwrap();
    assert_eq!(limiter.try_acquire(), None, "the next caller in line already has the lock");
    assert_eq!(next.await.sequence, 4);
}

#[tokio::test(start_paused = true)]
async fn try_acquire_works_again_when_the_queue_is_empty() {
    let limiter = limiter(1);
    limiter.acquire().await;
    // One caller waits and gets its grant. Another one waits and gives up.
    assert_eq!(limiter.acquire().await.sequence, 1);
    assert!(timeout(TICK, limiter.acquire()).await.is_err());
    advance(WINDOW).await;
    assert_eq!(limiter.try_acquire().map(|grant| grant.sequence), Some(2));
}

#[tokio::test(start_paused = true)]
async fn acquire_many_counts_as_n_requests_and_is_not_overtaken() {
    let limiter = limiter(3);
    let start = Instant::now();
    limiter.acquire().await;
    sleep(WINDOW / 2).await;
    let mut large = Box::pin(limiter.acquire_many(3));
    assert!(poll!(&mut large).is_pending());
    // The window has room for two. Without a queue, small callers would take that room again and
    // again.
    let small = join_all((0..9).map(async |_| limiter.acquire().await));
    let (large, small) = tokio::join!(large, small);
    assert_eq!(large.unwrap(), Grant { at: start + WINDOW, sequence: 1 });
    for (k, grant) in (0_u32..).zip(small) {
        assert_eq!(grant.at, start + (2 + k / 3) * WINDOW);
    }
}

#[tokio::test(start_paused = true)]
async fn asking_for_more_than_the_limit_is_refused_immediately() {
    let limiter = limiter(3);
    let refused = limiter.acquire_many(4).await;
    assert_eq!(refused, Err(LimitError::TooMany { asked: 4, limit: 3 }));
    // The refused call must not have used up any grants.
    assert_eq!(limiter.acquire_many(3).await.unwrap().sequence, 0);
    // A call for zero requests gets its grant when its turn comes.
    assert_eq!(limiter.acquire_many(0).await.unwrap().sequence, 3);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_one_full_burst_passes_immediately() {
    let limiter = limiter(3);
    sleep(100 * WINDOW).await;
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(limiter.acquire().await.at, start);
    }
    assert_eq!(limiter.acquire().await.at, start + WINDOW);
}

#[tokio::test(start_paused = true)]
async fn a_free_acquire_is_ready_at_its_first_poll() {
    let limiter = limiter(1);
    limiter.acquire().await;
    sleep(2 * WINDOW).await;
    // The oldest grant has long left the window, so the call does not have to wait.
    let mut acquire = pin!(limiter.acquire());
    assert!(poll_fn(|cx| Poll::Ready(acquire.as_mut().poll(cx))).await.is_ready());
}

#[test]
fn a_zero_limit_a_zero_window_and_an_endless_window_are_refused() {
    assert_eq!(RateLimiter::new(0, WINDOW).unwrap_err(), LimitError::NoRequests);
    assert_eq!(RateLimiter::new(1, Duration::ZERO).unwrap_err(), LimitError::NoWindow);
    assert_eq!(
        RateLimiter::new(1, Duration::MAX).unwrap_err(),
        LimitError::WindowTooLong(Duration::MAX)
    );
    assert!(RateLimiter::new(1, Duration::from_nanos(1)).is_ok());
    assert!(RateLimiter::new(usize::MAX, Duration::from_secs(u32::MAX.into())).is_ok());
}
