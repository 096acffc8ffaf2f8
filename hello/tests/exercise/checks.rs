//! The exercise's steps and their checks. The same checks run on your code, on our solution, and on
//! a gallery of correct and wrong solutions.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::runner::{Seen, Step, expect, list, on_the_paused_clock, on_the_real_clock};

/// The functions that the exercise asks for.
pub trait Hello {
    fn countdown(
        start: u32,
        period: Duration,
        tell: impl Fn(u32) + Send + Sync,
    ) -> impl Future<Output = ()> + Send;
    fn together(
        starts: [u32; 3],
        period: Duration,
        tell: impl Fn(u32) + Send + Sync,
    ) -> impl Future<Output = ()> + Send;
    fn in_tasks<F: Future<Output = String> + Send + 'static>(
        names: Vec<String>,
        work: fn(String) -> F,
    ) -> impl Future<Output = Vec<String>> + Send;
    fn ticks_during(work: fn(), period: Duration) -> impl Future<Output = u32> + Send;
    fn third_poll() -> impl Future<Output = u32> + Send;
}

const SECOND: Duration = Duration::from_secs(1);

/// Returns the steps for one set of functions.
pub const fn steps<H: Hello>() -> [Step; 5] {
    [
        Step {
            does: "a countdown waits between its numbers",
            task: "In `countdown`, wait for the period, pass the number to `tell`, and repeat down to 1.",
            check: countdown::<H>,
            hints: &[
                "`tokio::time::sleep(period).await` waits. Without `.await`, the sleep does nothing.",
                "`for number in (1..=start).rev()` counts down.",
                "README, \"A call makes a future, and a future does nothing\".",
            ],
        },
        Step {
            does: "three countdowns run together",
            task: "In `together`, run three countdowns at the same time, and wait for all of them.",
            check: together::<H>,
            hints: &[
                "Three `.await`s in a row wait one after the other.",
                "`tokio::join!(a, b, c)` polls three futures in turn. They may borrow `tell`.",
                "README, \"`join!` runs futures together in one task\".",
            ],
        },
        Step {
            does: "the work for each name runs in its own task",
            task: "In `in_tasks`, spawn a task for each name, and return the results in order.",
            check: in_tasks::<H>,
            hints: &[
                "A task may outlive its caller, so it has to own what it uses: move each name into \
                 its call of `work`.",
                "Spawn all tasks first, and keep their handles in a `Vec`. Then await the handles.",
                "Awaiting a handle returns a `Result`: `Err` means that the task has panicked.",
                "README, \"`spawn` asks for `'static` and `Send`\".",
            ],
        },
        Step {
            does: "a ticker ticks while a call blocks",
            task: "In `ticks_during`, run the blocking call elsewhere, and count the periods until it \
                   has ended.",
            check: ticks::<H>,
            hints: &[
                "A call that blocks stops everything else on its thread, so it has to run on another \
                 one: `tokio::task::spawn_blocking`.",
                "You have to wait for two things concurrently: the next tick, and the end of the \
                 call. `tokio::select!` continues with whichever comes first.",
                "In a loop, pass the handle as `&mut handle`, so that `select!` doesn't consume it.",
                "README, \"A blocking call stops everything else on its thread\".",
            ],
        },
        Step {
            does: "a future of your own is ready at its third poll",
            task: "Implement `poll` for `ThirdPoll`: pending twice, and then ready with the number of \
                   polls.",
            check: third_poll::<H>,
            hints: &[
                "`self.polls += 1` counts the polls. Return either `Poll::Pending` or \
                 `Poll::Ready(self.polls)`.",
                "A future that returns `Pending` has to make sure that its waker is called later. \
                 Here, call the waker yourself: `context.waker().wake_by_ref()`.",
                "README, \"The runtime polls, and a waker wakes\".",
            ],
        },
    ]
}

/// Records the numbers that are passed to `tell`, and the time of each.
#[derive(Clone)]
struct Told(Arc<Mutex<Vec<(u32, f64)>>>, Instant);

impl Told {
    fn new() -> Self {
        Self(Arc::default(), Instant::now())
    }

    fn tell(&self, number: u32) {
        let at = self.1.elapsed().as_secs_f64();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((number, at));
    }

    fn all(&self) -> (Vec<u32>, Vec<f64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().unzip()
    }
}

fn are_near(seen: &[f64], expected: &[f64]) -> bool {
    seen.len() == expected.len() && seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01)
}

fn countdown<H: Hello>() -> Seen {
    on_the_paused_clock(async {
        let told = Told::new();
        H::countdown(3, SECOND, |number| told.tell(number)).await;
        let (numbers, times) = told.all();
        expect(numbers == [3, 2, 1], || {
            format!("countdown(3) told {numbers:?}: expected [3, 2, 1].")
        })?;
        expect(are_near(&times, &[1.0, 2.0, 3.0]), || {
            format!(
                "countdown(3) with a period of 1 s told its numbers at {}: expected 1.00, 2.00 and \
                 3.00 s.",
                list(&times)
            )
        })?;
        let started = Instant::now();
        drop(H::countdown(3, SECOND, |_| ()));
        H::countdown(0, SECOND, |_| ()).await;
        let took = started.elapsed();
        expect(took.is_zero(), || {
            format!("countdown(0) took {took:?}, but it has nothing to wait for.")
        })
    })
}

fn together<H: Hello>() -> Seen {
    on_the_paused_clock(async {
        let told = Told::new();
        H::together([3, 2, 1], SECOND, |number| told.tell(number)).await;
        let (numbers, times) = told.all();
        let took = told.1.elapsed().as_secs_f64();
        expect(are_near(&[took], &[3.0]), || {
            format!(
                "Countdowns from 3, 2 and 1 with a period of 1 s took {took:.2} s together: expected \
                 3.00 s, the time that the longest one takes."
            )
        })?;
        expect(are_near(&times, &[1.0, 1.0, 1.0, 2.0, 2.0, 3.0]), || {
            format!("The numbers {numbers:?} were told at {}.", list(&times))
        })
    })
}

/// Waits for a while, and returns the name and the current task's ID. `Ada` takes longest.
async fn greet(name: String) -> String {
    let task = tokio::task::try_id().map_or("no task".into(), |id| id.to_string());
    sleep(SECOND * if name == "Ada" { 3 } else { 1 }).await;
    format!("{name} in {task}")
}

fn in_tasks<H: Hello>() -> Seen {
    on_the_paused_clock(async {
        let (start, names) = (Instant::now(), ["Ada", "Bob", "Cy"]);
        let results = H::in_tasks(names.map(String::from).to_vec(), greet).await;
        let took = start.elapsed().as_secs_f64();
        let first: Vec<_> = results.iter().filter_map(|text| text.split(' ').next()).collect();
        expect(first == names, || format!("For {names:?}, the results are {results:?}."))?;
        let mut tasks: Vec<_> =
            results.iter().filter_map(|text| text.split(" in ").nth(1)).collect();
        tasks.sort_unstable();
        tasks.dedup();
        expect(tasks.len() == 3 && !tasks.contains(&"no task"), || {
            format!(
                "The work for each name should run in its own task. The results are {results:?}."
            )
        })?;
        expect(are_near(&[took], &[3.0]), || {
            format!("Work of 3, 1 and 1 s took {took:.2} s in three tasks: expected 3.00 s.")
        })?;
        let none = H::in_tasks(Vec::new(), greet).await;
        expect(none.is_empty(), || format!("Without names, the results are {none:?}."))
    })
}

/// How often another task on the same thread has run, how often it could run while the blocking call
/// was running, and how many milliseconds the calls have taken.
static OTHER_TASK: AtomicU32 = AtomicU32::new(0);
static MEANWHILE: AtomicU32 = AtomicU32::new(0);
static BLOCKED: AtomicU32 = AtomicU32::new(0);
static CALLS: AtomicU32 = AtomicU32::new(0);

fn blocks() {
    let (start, before) = (std::time::Instant::now(), OTHER_TASK.load(SeqCst));
    std::thread::sleep(Duration::from_millis(300));
    MEANWHILE.store(OTHER_TASK.load(SeqCst) - before, SeqCst);
    BLOCKED.fetch_add(start.elapsed().as_millis() as u32, SeqCst);
    CALLS.fetch_add(1, SeqCst);
}

fn ticks<H: Hello>() -> Seen {
    on_the_real_clock(async {
        BLOCKED.store(0, SeqCst);
        CALLS.store(0, SeqCst);
        let other = tokio::spawn(async {
            loop {
                sleep(Duration::from_millis(20)).await;
                OTHER_TASK.fetch_add(1, SeqCst);
            }
        });
        let count = H::ticks_during(blocks, Duration::from_millis(20));
        let ticks = timeout(Duration::from_secs(5), count).await;
        other.abort();
        let ticks = ticks.map_err(|_| "After 5 s, `ticks_during` was still waiting.")?;
        let calls = CALLS.load(SeqCst);
        expect(calls == 1, || format!("The blocking call has run {calls} times: expected once."))?;
        // On a busy machine, some ticks come late.
        let meanwhile = MEANWHILE.load(SeqCst);
        expect(meanwhile >= 3, || {
            format!(
                "The call blocks for 0.3 s. Meanwhile, another task that wakes up every 0.02 s ran \
                 {meanwhile} times: the call blocks the thread of all tasks."
            )
        })?;
        let most = BLOCKED.load(SeqCst) / 20 + 1;
        expect((3..=most).contains(&ticks), || {
            format!(
                "The call blocks for 0.3 s, and the ticker has a period of 0.02 s. It ticked {ticks} \
                 times: expected about 14."
            )
        })
    })
}

/// A waker that counts how many times it is called.
#[derive(Default)]
struct Bell(AtomicU32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn third_poll<H: Hello>() -> Seen {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(H::third_poll());
    for poll in 1..=3_u32 {
        let seen = future.as_mut().poll(&mut context);
        let expected = if poll < 3 { Poll::Pending } else { Poll::Ready(3) };
        expect(seen == expected, || {
            format!("Poll number {poll} returned {seen:?}: expected {expected:?}.")
        })?;
        let woken = bell.0.load(SeqCst);
        expect(woken >= poll.min(2), || {
            format!(
                "Poll number {poll} returned Pending, but nothing called the waker. The runtime would \
                 never poll this future again."
            )
        })?;
    }
    on_the_paused_clock(async {
        let seen = timeout(SECOND, H::third_poll()).await;
        expect(seen == Ok(3), || format!("Awaited on a runtime, the future returned {seen:?}."))
    })
}
