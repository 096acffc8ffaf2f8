//! Checks the promises that the exercise asks a limiter to keep, with one function for each
//! promise. The same checks run on our solution, on the limiter as people usually write it, and on
//! yours. Each check reports what it saw and what it expected.
//!
//! The checks run on Tokio's paused clock, so they take almost no real time. If a caller would wait
//! forever, its check fails after an hour on that clock.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use tokio::time::{Instant, advance, timeout};

/// The methods of a limiter that the checks need.
#[allow(async_fn_in_trait, reason = "nothing is spawned here")]
pub trait Limiter {
    fn new(max_requests: usize, time_window: Duration) -> Self;
    /// Waits, and returns the time of the grant.
    async fn acquire(&self) -> Instant;
}

/// The result of a check: `Ok`, or a description of how the limiter broke the promise.
pub type Seen = Result<(), String>;

const WINDOW: Duration = Duration::from_secs(1);

/// Turns each check into a test for one limiter.
macro_rules! promises {
    ($limiter:ty) => {
        promises! {
            $limiter: never_more_than_the_limit_in_any_window,
            no_caller_waits_longer_than_necessary,
            first_come_first_served,
            a_caller_that_gives_up_delays_no_other,
        }
    };
    ($limiter:ty: $($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                if let Err(seen) = checks::$name::<$limiter>() {
                    panic!("\n{seen}\n");
                }
            }
        )*
    };
}
pub(crate) use promises;

pub fn never_more_than_the_limit_in_any_window<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        let times = crowd(&L::new(3, WINDOW), 20).await;
        for (k, time) in times.iter().enumerate() {
            let within = times[k..].iter().take_while(|later| **later - *time < WINDOW).count();
            expect(within <= 3, || {
                format!("20 callers at 3 a second: {within} were let through within one second")
            })?;
        }
        Ok(())
    })
}

pub fn no_caller_waits_longer_than_necessary<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        let start = Instant::now();
        let times = crowd(&L::new(3, WINDOW), 20).await;
        let took = times[19] - start;
        // Three pass immediately, three after a second, and so on; the last two pass after six
        // seconds. Timers have a resolution of 1 ms.
        expect(took <= 6 * WINDOW + Duration::from_millis(6), || {
            format!(
                "20 callers at 3 a second: the last was let through after {took:?} instead of 6 s"
            )
        })
    })
}

pub fn first_come_first_served<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        let (limiter, order) = (L::new(2, WINDOW), std::cell::RefCell::new(Vec::new()));
        join_all((1..=10).map(async |number| {
            limiter.acquire().await;
            order.borrow_mut().push(number);
        }))
        .await;
        let order = order.into_inner();
        expect(order.is_sorted(), || {
            format!(
                "callers 1 to 10 arrived in this order, but were let through in the order {order:?}"
            )
        })
    })
}

pub fn a_caller_that_gives_up_delays_no_other<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        // One caller has its grant, and three wait. In each round, a different one of the three
        // gives up.
        for gives_up in 0..3 {
            let limiter = L::new(1, WINDOW);
            let first = limiter.acquire().await;
            let mut waiting: Vec<_> = (0..3).map(|_| Some(Box::pin(limiter.acquire()))).collect();
            for caller in waiting.iter_mut().flatten() {
                if poll!(caller).is_ready() {
                    return Err("limit 1: a second caller was let through immediately".into());
                }
            }
            advance(WINDOW / 2).await;
            waiting[gives_up] = None;
            let times = join_all(waiting.into_iter().flatten()).await;
            for (k, time) in (1..).zip(times) {
                let after = time - first;
                expect(after.abs_diff(k * WINDOW) <= Duration::from_millis(k.into()), || {
                    format!(
                        "limit 1, three callers wait, number {} gives up: of the others, number \
                         {k} was let through after {after:?} instead of {k} s",
                        gives_up + 1
                    )
                })?;
            }
        }
        Ok(())
    })
}

/// Starts this many callers at the same moment, and returns the sorted times of their grants.
async fn crowd(limiter: &impl Limiter, callers: usize) -> Vec<Instant> {
    let mut times = join_all((0..callers).map(|_| limiter.acquire())).await;
    times.sort();
    times
}

fn expect(right: bool, seen: impl FnOnce() -> String) -> Seen {
    if right { Ok(()) } else { Err(seen()) }
}

fn on_the_paused_clock(check: impl Future<Output = Seen>) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| error.to_string())?;
    let hour = Duration::from_secs(3600);
    let late = || Err("a caller was still waiting after an hour".into());
    runtime.block_on(async { timeout(hour, check).await.unwrap_or_else(|_| late()) })
}
