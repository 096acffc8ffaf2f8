//! The steps of the exercise, and what each of them checks. The same checks run on your limiter, on
//! our solution, on the limiter as people usually write it, and on a gallery of wrong ones.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, advance, sleep, sleep_until};

use crate::runner::{Seen, Step, expect, list, moments, on_the_paused_clock};

/// The methods of a limiter that the checks need. The futures are `Send`, so that callers can run in
/// tasks of their own.
pub trait Limiter: Sized + Send + Sync + 'static {
    fn new(max_requests: usize, time_window: Duration) -> Self;
    /// Waits, and returns the time at which the wait ended.
    fn acquire(&self) -> impl Future<Output = Instant> + Send;
}

const WINDOW: Duration = Duration::from_secs(1);

/// Returns the steps for one limiter.
pub const fn steps<L: Limiter>() -> [Step; 6] {
    [
        Step {
            does: "the first callers pass immediately",
            task: "Store the limit and the window in the struct. For now, let every caller through, \
                   and return the time.",
            check: first_callers::<L>,
            hints: &[
                "`new` receives the limit and the window. `acquire` needs both later, so store them \
                 in fields of the struct.",
                "`Instant::now()` of Tokio returns the time. It follows the paused clock of the \
                 checks, and the one of the standard library doesn't.",
                "README, \"The window on a number line\".",
            ],
        },
        Step {
            does: "the next caller waits for its turn",
            task: "Remember when callers passed. If the limit is reached, wait until the oldest of \
                   them is one window old.",
            check: the_next_caller::<L>,
            hints: &[
                "`acquire` takes `&self`, and several callers use the limiter at once. A field that \
                 changes needs a lock around it.",
                "Keep the times of the last grants in a `VecDeque`. If there are `max_requests` of \
                 them, the first one decides when the next caller may pass.",
                "`tokio::time::sleep_until(oldest + window).await` waits. Read the clock again \
                 afterwards: the caller may have been woken later than planned.",
                "README, \"Record the time after the sleep, not before it\".",
            ],
        },
        Step {
            does: "no window ever holds more than the limit",
            task: "Check all windows, not only those that begin at a full second.",
            check: no_window::<L>,
            hints: &[
                "A counter that starts again every second is not enough: two callers at the end of \
                 one second and two at the beginning of the next are four within a moment.",
                "The window slides. The next caller may pass when the grant `max_requests` places \
                 before it is one window old.",
                "README, \"The window on a number line\".",
            ],
        },
        Step {
            does: "callers are served in the order in which they came",
            task: "Put the waiting callers in a queue, so that a newcomer cannot overtake them.",
            check: in_order::<L>,
            hints: &[
                "If all waiting callers sleep until the same moment, they race when it comes. Only \
                 one of them should sleep, and the others should wait behind it.",
                "Which of Tokio's locks serves its waiters first in, first out, and may be held \
                 across an `.await`?",
                "Hold a `tokio::sync::Mutex` while you sleep. The others queue for it.",
                "README, \"One sleeper, and a queue behind it\".",
            ],
        },
        Step {
            does: "a caller that gives up costs nobody anything",
            task: "Look at each `.await`: if the caller is dropped there, what have you already \
                   recorded in its name?",
            check: giving_up::<L>,
            hints: &[
                "A caller that is dropped runs no more code after its `.await`. Whatever it recorded \
                 before that stays.",
                "Record a grant after the wait, and remove the oldest one after the wait, too.",
                "README, \"Record nothing before the last `.await`\".",
            ],
        },
        Step {
            does: "a thousand callers wait without waking each other",
            task: "Make sure that a waiting caller is woken once, and that old grants are forgotten.",
            check: many::<L>,
            hints: &[
                "A loop that sleeps for a moment and looks again wakes every caller all the time. \
                 So does a notification that goes to all of them.",
                "Remove a grant as soon as it no longer matters. The queue never needs more than \
                 `max_requests` of them.",
                "README, \"One sleeper, and a queue behind it\".",
            ],
        },
    ]
}

/// Timers have a resolution of one millisecond, and a chain of waits adds these up.
fn tolerance(waits: u32) -> Duration {
    Duration::from_millis(1 + u64::from(waits))
}

/// One caller: when it came, when it passed, and how often it was polled.
struct Caller {
    came: f64,
    passed: f64,
    polls: u32,
}

/// Starts a task for each caller, which comes at its time. Returns them in the order in which they
/// passed. Fails if a caller gets a wrong time.
async fn callers<L: Limiter>(limiter: L, times: &[f64]) -> Result<Vec<(usize, Caller)>, String> {
    let (limiter, start) = (Arc::new(limiter), Instant::now());
    let passed: Arc<Mutex<Vec<(usize, Caller)>>> = Arc::default();
    let mut tasks = Vec::new();
    for (place, &came) in times.iter().enumerate() {
        let (limiter, passed) = (Arc::clone(&limiter), Arc::clone(&passed));
        tasks.push(tokio::spawn(async move {
            sleep_until(start + Duration::from_secs_f64(came)).await;
            let mut polls = 0;
            let mut acquire = pin!(limiter.acquire());
            let returned = poll_fn(|context| {
                polls += 1;
                acquire.as_mut().poll(context)
            })
            .await;
            let now = Instant::now();
            let caller = Caller { came, passed: (now - start).as_secs_f64(), polls };
            passed.lock().map_err(|error| error.to_string())?.push((place, caller));
            let seconds = |time: Instant| time.saturating_duration_since(start).as_secs_f64();
            expect(returned == now, || {
                format!(
                    "A caller passed at {:.3} s, but `acquire` returned {:.3} s. Read the clock \
                     after the wait.",
                    seconds(now),
                    seconds(returned)
                )
            })
        }));
    }
    for task in tasks {
        task.await.map_err(|error| format!("A caller's task ended early: {error}"))??;
    }
    let mut passed = passed.lock().map_err(|error| error.to_string())?;
    Ok(std::mem::take(&mut *passed))
}

/// Lets callers come at these times, and compares when they pass with when they should.
async fn compare<L: Limiter>(max: usize, came: &[f64], expected: &[f64]) -> Seen {
    let callers = callers(L::new(max, WINDOW), came).await?;
    let mut passed: Vec<_> = callers.iter().map(|(_, caller)| caller.passed).collect();
    passed.sort_by(f64::total_cmp);
    let most = tolerance(expected.len() as u32).as_secs_f64();
    let fits =
        passed.iter().zip(expected).all(|(seen, at)| *seen >= at - 1e-9 && *seen <= at + most);
    expect(fits, || {
        format!(
            "Limit {max} per second. Callers arrived at {}\nand were let through at {}\nexpected: {}\n{}\n{}",
            list(came),
            list(&passed),
            list(expected),
            moments(&passed),
            moments(expected),
        )
    })
}

fn first_callers<L: Limiter>() -> Seen {
    on_the_paused_clock(compare::<L>(3, &[0.0, 0.0, 0.0], &[0.0, 0.0, 0.0]))
}

fn the_next_caller<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        compare::<L>(1, &[0.0, 0.003], &[0.0, 1.0]).await?;
        compare::<L>(3, &[0.0; 7], &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0]).await?;
        // A caller that is woken late returns the time at which it was woken.
        let (limiter, start) = (Arc::new(L::new(1, WINDOW)), Instant::now());
        limiter.acquire().await;
        let waiting = Arc::clone(&limiter);
        let waiting = tokio::spawn(async move { waiting.acquire().await });
        sleep(WINDOW / 10).await;
        advance(2 * WINDOW).await;
        let returned = waiting.await.map_err(|error| error.to_string())? - start;
        expect(returned >= 2 * WINDOW, || {
            format!(
                "The process stopped for two seconds while a caller waited for one. It passed \
                 after more than 2 s, but `acquire` returned {returned:?}. Read the clock after \
                 the wait."
            )
        })
    })
}

fn no_window<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        compare::<L>(2, &[0.0, 0.9, 0.95, 1.05], &[0.0, 0.9, 1.0, 1.9]).await?;
        // Callers at odd times, with a limit that they reach again and again.
        for seed in 0..20 {
            let mut random = seed * 7919 + 1;
            let mut came: Vec<_> = (0..30)
                .map(|_| {
                    random = (random * 1_103_515_245_u64 + 12345) % (1 << 31);
                    (random % 6000) as f64 / 1000.0
                })
                .collect();
            came.sort_by(f64::total_cmp);
            let mut expected: Vec<f64> = Vec::new();
            for (place, at) in came.iter().enumerate() {
                let before = place.checked_sub(3).map_or(0.0, |place| expected[place] + 1.0);
                let last = expected.last().copied().unwrap_or(0.0);
                expected.push(at.max(before).max(last));
            }
            compare::<L>(3, &came, &expected).await?;
        }
        Ok(())
    })
}

fn in_order<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        let together = vec![0.0; 10];
        // One after the other, faster than the limit allows: each newcomer meets a queue.
        let one_by_one: Vec<_> = (0..20).map(|n| f64::from(n) * 0.25).collect();
        for (max, came) in [(2, together), (1, one_by_one)] {
            let passed = callers(L::new(max, WINDOW), &came).await?;
            let order: Vec<_> = passed.iter().map(|(place, _)| place + 1).collect();
            let times: Vec<_> = passed.iter().map(|(_, caller)| caller.came).collect();
            expect(order.is_sorted(), || {
                format!(
                    "Limit {max} per second. Callers 1 to {} came in this order, and were let \
                     through in the order {order:?}.\nIn this order, they had come at {}",
                    came.len(),
                    list(&times)
                )
            })?;
        }
        Ok(())
    })
}

fn giving_up<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        // One caller has passed, and three wait. In each round, another one of them gives up, at
        // another moment.
        for gives_up in 0..3_usize {
            for after in [100_u32, 500, 1100] {
                let (limiter, start) = (Arc::new(L::new(1, WINDOW)), Instant::now());
                limiter.acquire().await;
                let mut waiting = Vec::new();
                for _ in 0..3 {
                    let limiter = Arc::clone(&limiter);
                    waiting.push(tokio::spawn(async move { limiter.acquire().await }));
                    sleep(Duration::from_millis(1)).await;
                }
                sleep_until(start + Duration::from_millis(after.into())).await;
                let has_passed = waiting[gives_up].is_finished();
                waiting[gives_up].abort();
                let mut seen = Vec::new();
                for (place, task) in waiting.into_iter().enumerate() {
                    match task.await {
                        Ok(time) => seen.push((time - start).as_secs_f64()),
                        Err(_) if place == gives_up && !has_passed => {}
                        Err(error) => return Err(error.to_string()),
                    }
                }
                let expected: Vec<_> = (1..=seen.len()).map(|second| second as f64).collect();
                let most = tolerance(3).as_secs_f64();
                let fits = seen.iter().zip(&expected).all(|(seen, at)| (seen - at).abs() <= most);
                expect(fits, || {
                    format!(
                        "Limit 1 per second, three callers wait, and number {} gives up after \
                         {:.2} s.\nThe others were let through at {}\nexpected: {}",
                        gives_up + 1,
                        f64::from(after) / 1000.0,
                        list(&seen),
                        list(&expected)
                    )
                })?;
            }
        }
        Ok(())
    })
}

fn many<L: Limiter>() -> Seen {
    on_the_paused_clock(async {
        let passed = callers(L::new(10, WINDOW), &[0.0; 1000]).await?;
        let polls: u32 = passed.iter().map(|(_, caller)| caller.polls).sum();
        expect(polls <= 5 * 1000, || {
            format!(
                "A thousand callers wait at ten per second. They were polled {polls} times, {} \
                 times each. Two or three times are enough: once to begin, and once when it is \
                 their turn.",
                polls / 1000
            )
        })?;
        let limiter = L::new(10, WINDOW);
        let before = resident();
        for _ in 0..400_000 {
            limiter.acquire().await;
            advance(WINDOW / 5).await;
        }
        let grown =
            resident().zip(before).map_or(0, |(after, before)| after.saturating_sub(before));
        expect(grown < 4 << 20, || {
            format!(
                "After 400,000 callers, the program uses {} MiB more memory. Forget old grants.",
                grown >> 20
            )
        })
    })
}

/// Returns the memory of this process in bytes, where the system shows it in a file.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}
