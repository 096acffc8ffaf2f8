//! The exercise's steps and their checks. The same checks run on your code, on our solution, and on
//! a gallery of correct and wrong solutions.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::failure::{Failure, Service};
use crate::runner::{Seen, Step, expect, list, on_the_paused_clock};

/// The functions that the exercise asks for.
pub trait Errors {
    fn retry<F: Future<Output = Result<u32, Failure>> + Send>(
        attempts: u32,
        pause: Duration,
        operation: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<u32, Failure>> + Send;
    fn retry_until<F: Future<Output = Result<u32, Failure>> + Send>(
        time: Duration,
        pause: Duration,
        operation: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<u32, Failure>> + Send;
    fn contained(
        work: impl Future<Output = u32> + Send + 'static,
    ) -> impl Future<Output = Result<u32, String>> + Send;
    fn quorum(
        n: usize,
        services: Vec<Service>,
    ) -> impl Future<Output = Result<Vec<u32>, Vec<String>>> + Send;
}

const SECOND: Duration = Duration::from_secs(1);

/// Returns the steps for one set of functions.
pub const fn steps<E: Errors>() -> [Step; 6] {
    [
        Step {
            does: "a transient failure is tried again after a pause",
            task: "In `retry`, call the operation, return its value, and try again after a transient \
                   failure. Double the pause each time.",
            check: retries::<E>,
            hints: &[
                "`operation()` makes a new future for each attempt. A future can be awaited only \
                 once.",
                "`match operation().await` has one arm for each kind of result.",
                "The first pause is `pause`, the second `2 * pause`, the third `4 * pause`.",
                "README, \"A retry needs a limit, a pause and some randomness\".",
            ],
        },
        Step {
            does: "a permanent failure ends it, and so does the last attempt",
            task: "Return a permanent failure at once, and the failure of the last attempt without \
                   another pause.",
            check: gives_up::<E>,
            hints: &[
                "Count the attempts, and look at the count before you pause.",
                "README, \"An error is a value with a type\".",
            ],
        },
        Step {
            does: "a deadline ends all attempts and pauses",
            task: "In `retry_until`, try again and again, until the time is up. Then drop whatever is \
                   under way.",
            check: deadline::<E>,
            hints: &[
                "A limit for each attempt is something else: ten attempts of one second each take ten \
                 seconds.",
                "`tokio::time::timeout` drops the future that it limits. What happens if that future \
                 is the whole loop?",
                "README, \"A timeout drops the future\".",
            ],
        },
        Step {
            does: "a panic is contained, and so is a caller that gives up",
            task: "In `contained`, run the work in a task, and turn a panic into an error with its \
                   message. If the caller is dropped, the work ends, too.",
            check: contained::<E>,
            hints: &[
                "The `JoinError` of a task that has panicked holds what was passed to `panic!`: \
                 `error.into_panic()`.",
                "The payload is a `Box<dyn Any>`. Try `downcast_ref::<&str>()`, and then \
                 `downcast_ref::<String>()`.",
                "Dropping a handle leaves its task running. Dropping a `JoinSet` aborts its tasks.",
                "README, \"Ask many, and decide when to stop\".",
            ],
        },
        Step {
            does: "a quorum returns the first answers",
            task: "In `quorum`, ask all services at once, and return the first `n` answers, in the \
                   order in which they came.",
            check: quorum::<E>,
            hints: &[
                "`join_all` waits for everybody. You need the results one by one, as they come.",
                "`futures_util::stream::FuturesUnordered` is a stream of results. `next().await` \
                 returns the next one.",
                "README, \"Ask many, and decide when to stop\".",
            ],
        },
        Step {
            does: "a quorum gives up as soon as it is out of reach",
            task: "Return all failures so far when `n` answers are no longer possible, and drop the \
                   requests under way.",
            check: out_of_reach::<E>,
            hints: &[
                "With five services and a quorum of three, how many failures can you bear?",
                "What are the answers if `n` is 0, and if it is larger than the number of services?",
                "A request under way ends when its future is dropped. A task does not.",
                "README, \"Ask many, and decide when to stop\".",
            ],
        },
    ]
}

/// Records when each attempt began.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<f64>>>, Instant);

impl Log {
    fn new() -> Self {
        Self(Arc::default(), Instant::now())
    }

    /// Records an attempt, and returns its number.
    fn attempt(&self) -> usize {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.push(self.1.elapsed().as_secs_f64());
        times.len()
    }

    fn times(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn are_near(seen: &[f64], expected: &[f64]) -> bool {
    seen.len() == expected.len() && seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02)
}

fn transient(text: &str) -> Failure {
    Failure::Transient(text.into())
}

fn retries<E: Errors>() -> Seen {
    on_the_paused_clock(async {
        let log = Log::new();
        let result = E::retry(5, SECOND, || async {
            match log.attempt() {
                4 => Ok(42),
                _ => Err(transient("busy")),
            }
        })
        .await;
        let times = log.times();
        expect(result == Ok(42), || {
            format!(
                "The fourth attempt returns 42, and five are allowed: `retry` returned {result:?}."
            )
        })?;
        expect(are_near(&times, &[0.0, 1.0, 3.0, 7.0]), || {
            format!(
                "With a pause of 1 s that doubles, the attempts began at {}: expected 0.00, 1.00, 3.00 \
                 and 7.00 s.",
                list(&times)
            )
        })
    })
}

fn gives_up<E: Errors>() -> Seen {
    on_the_paused_clock(async {
        let log = Log::new();
        let permanent = Failure::Permanent("no such user".into());
        let result = E::retry(5, SECOND, || async {
            match log.attempt() {
                1 => Err(transient("busy")),
                _ => Err(permanent.clone()),
            }
        })
        .await;
        let attempts = log.times().len();
        expect(result == Err(permanent.clone()), || {
            format!("The second attempt fails permanently: `retry` returned {result:?}.")
        })?;
        expect(attempts == 2, || {
            format!("The second attempt fails permanently, but there were {attempts} attempts.")
        })?;
        for attempts in [1, 3] {
            let log = Log::new();
            let failing = || async { Err(transient(&format!("attempt {}", log.attempt()))) };
            let result = E::retry(attempts, SECOND, failing).await;
            let (times, took) = (log.times(), log.1.elapsed().as_secs_f64());
            expect(times.len() == attempts as usize, || {
                format!("{attempts} attempts are allowed, and there were {}.", times.len())
            })?;
            expect(result == Err(transient(&format!("attempt {attempts}"))), || {
                format!(
                    "After {attempts} attempts, `retry` returned {result:?}: expected the last failure."
                )
            })?;
            let last = times.last().copied().unwrap_or_default();
            expect(took - last < 0.02, || {
                format!(
                    "The last attempt ended at {last:.2} s, but `retry` returned at {took:.2} s. There \
                     is nothing to wait for."
                )
            })?;
        }
        Ok(())
    })
}

/// Counts how many of these exist.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn deadline<E: Errors>() -> Seen {
    on_the_paused_clock(async {
        for (attempt_takes, what) in
            [(0.4, "attempts of 0.4 s"), (100.0, "an attempt that never ends")]
        {
            let (log, alive) = (Log::new(), Arc::new(AtomicU32::new(0)));
            let operation = || async {
                let _alive = Alive::new(&alive);
                log.attempt();
                sleep(Duration::from_secs_f64(attempt_takes)).await;
                Err(transient("busy"))
            };
            let result = timeout(60 * SECOND, E::retry_until(5 * SECOND, SECOND, operation)).await;
            let took = log.1.elapsed().as_secs_f64();
            expect(result == Ok(Err(Failure::TimedOut)), || {
                format!("With a time of 5 s and {what}, `retry_until` returned {result:?}.")
            })?;
            expect(are_near(&[took], &[5.0]), || {
                format!("With a time of 5 s and {what}, `retry_until` took {took:.2} s.")
            })?;
            let alive = alive.load(SeqCst);
            expect(alive == 0, || {
                format!("The time is up, but {alive} attempts are still under way.")
            })?;
        }
        let log = Log::new();
        let result = E::retry_until(5 * SECOND, SECOND, || async {
            match log.attempt() {
                3 => Ok(7),
                _ => Err(transient("busy")),
            }
        });
        let result = result.await;
        expect(result == Ok(7), || {
            format!("The third attempt succeeds, and the result is {result:?}.")
        })?;
        let permanent = Failure::Permanent("no".into());
        let result = E::retry_until(5 * SECOND, SECOND, || async { Err(permanent.clone()) }).await;
        expect(result == Err(permanent.clone()), || {
            format!("The first attempt fails permanently, and the result is {result:?}.")
        })
    })
}

fn contained<E: Errors>() -> Seen {
    on_the_paused_clock(async {
        let result = E::contained(async { 42 }).await;
        expect(result == Ok(42), || {
            format!("The work returned 42, and the result is {result:?}.")
        })?;
        let number = 7;
        for (text, result) in [
            ("a bug", E::contained(async { panic!("a bug") }).await),
            ("bug number 7", E::contained(async move { panic!("bug number {number}") }).await),
        ] {
            let keeps = result.as_ref().is_err_and(|message| message.contains(text));
            expect(keeps, || {
                format!("The work panicked with \"{text}\", and the result is {result:?}.")
            })?;
        }
        let alive = Arc::new(AtomicU32::new(0));
        let guard = Alive::new(&alive);
        let work = async move {
            let _guard = guard;
            std::future::pending().await
        };
        let result = timeout(SECOND, E::contained(work)).await;
        expect(result.is_err(), || "The work never ends, but there is a result.".into())?;
        sleep(SECOND).await;
        let alive = alive.load(SeqCst);
        expect(alive == 0, || "The caller gave up, and the work is still running.".into())
    })
}

/// A service that answers with its number, or fails, after so many seconds.
fn service(number: u32, seconds: u64, is_good: bool, alive: &Arc<AtomicU32>) -> Service {
    let alive = Arc::clone(alive);
    Box::pin(async move {
        let _alive = Alive::new(&alive);
        sleep(Duration::from_secs(seconds)).await;
        if is_good { Ok(number) } else { Err(format!("service {number} failed")) }
    })
}

async fn ask<E: Errors>(
    n: usize,
    services: &[(u64, bool)],
) -> Result<(Result<Vec<u32>, Vec<String>>, f64), String> {
    let (start, alive) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let all = (1..).zip(services);
    let all =
        all.map(|(number, (seconds, good))| service(number, *seconds, *good, &alive)).collect();
    let result = timeout(60 * SECOND, E::quorum(n, all)).await;
    let result = result.map_err(|_| "After a minute, `quorum` was still waiting.")?;
    let took = start.elapsed().as_secs_f64();
    tokio::task::yield_now().await;
    let left = alive.load(SeqCst);
    expect(left == 0, || {
        format!("`quorum` has returned {result:?}, but {left} requests are still under way.")
    })?;
    Ok((result, took))
}

fn quorum<E: Errors>() -> Seen {
    on_the_paused_clock(async {
        let services = [(5, true), (3, true), (1, true), (40, true), (2, false)];
        for (n, expected, seconds) in
            [(1, vec![3], 1.0), (2, vec![3, 2], 3.0), (3, vec![3, 2, 1], 5.0)]
        {
            let (result, took) = ask::<E>(n, &services).await?;
            expect(result == Ok(expected.clone()), || {
                format!(
                    "Services 1 to 4 answer after 5, 3, 1 and 40 s, and number 5 fails after 2 s. A \
                     quorum of {n} returned {result:?}: expected {expected:?}."
                )
            })?;
            expect(are_near(&[took], &[seconds]), || {
                format!("A quorum of {n} took {took:.2} s: expected {seconds:.2} s.")
            })?;
        }
        Ok(())
    })
}

fn out_of_reach<E: Errors>() -> Seen {
    on_the_paused_clock(async {
        let failed = |numbers: &[u32]| -> Result<Vec<u32>, Vec<String>> {
            Err(numbers.iter().map(|number| format!("service {number} failed")).collect())
        };
        let services = [(1, false), (40, true), (2, false), (3, false), (40, true)];
        for (n, expected, seconds) in [
            (3, failed(&[1, 3, 4]), 3.0),
            (5, failed(&[1]), 1.0),
            (0, Ok(vec![]), 0.0),
            (6, failed(&[]), 0.0),
        ] {
            let (result, took) = ask::<E>(n, &services).await?;
            expect(result == expected, || {
                format!(
                    "Services 1, 3 and 4 fail after 1, 2 and 3 s, and the other two answer after 40 s. \
                     A quorum of {n} returned {result:?}: expected {expected:?}."
                )
            })?;
            expect(are_near(&[took], &[seconds]), || {
                format!("A quorum of {n} took {took:.2} s: expected {seconds:.2} s.")
            })?;
        }
        let (result, _) = ask::<E>(0, &[]).await?;
        expect(result == Ok(vec![]), || {
            format!("Without services, a quorum of 0 returned {result:?}.")
        })
    })
}
