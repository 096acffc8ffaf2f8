//! The steps of the exercise, and what each of them checks. The same checks run on your pool, on our
//! solution, on the pool as people usually write it, and on a gallery of wrong ones.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::runner::{Seen, Step, expect, list, on_the_paused_clock};

/// The result of a job: its number, or a text that says what happened instead.
pub type Handle = Pin<Box<dyn Future<Output = Result<u32, String>> + Send>>;

/// The methods of a pool that the checks need. The futures are `Send`, so that callers can run in
/// tasks of their own.
pub trait Pool: Sized + Send + Sync + 'static {
    fn new(num_workers: usize) -> Self;
    /// Waits for room in the queue, and returns the handle.
    fn submit(
        &self,
        job: impl Future<Output = u32> + Send + 'static,
    ) -> impl Future<Output = Handle> + Send;
    /// Stops accepting jobs, and waits for the accepted ones.
    fn stop(&self) -> impl Future<Output = ()> + Send;
}

const WORK: Duration = Duration::from_millis(500);

/// Returns the steps for one pool.
pub const fn steps<P: Pool>() -> [Step; 6] {
    [
        Step {
            does: "a job runs, and its handle returns its result",
            task: "Make `submit` run the job in a task, and send its result to the handle.",
            check: results::<P>,
            hints: &[
                "The job and its handle run in different tasks. Tokio has a channel for exactly one \
                 value, `tokio::sync::oneshot`.",
                "`submit` wraps the job in another future: it awaits the job, and sends the result. \
                 Spawn that future. The handle stores the receiver.",
                "README, \"One type for all jobs\".",
            ],
        },
        Step {
            does: "as many jobs run at once as there are workers, in order",
            task: "Start the workers in `new`. Each of them takes a job from a queue, awaits it, and \
                   takes the next one.",
            check: workers::<P>,
            hints: &[
                "Jobs are futures of many types. `Pin<Box<dyn Future<Output = ()> + Send>>` is one \
                 type for all of them, once the result goes to a channel.",
                "`async_channel::unbounded` is a queue with many receivers. Clone the receiver for \
                 each worker. (The crate is a dev-dependency, so you can use it here.)",
                "With Tokio's own `mpsc`, the workers share the receiver behind an async `Mutex`. \
                 Don't hold that lock while you run the job.",
                "README, \"One type for all jobs\".",
            ],
        },
        Step {
            does: "a panic is an error, but only for its own job",
            task: "Catch the panic of a job, so that its worker survives, and pass on its message.",
            check: panics::<P>,
            hints: &[
                "A panic unwinds through the task that polls the job. `catch_unwind` of \
                 `futures_util::FutureExt` turns it into an `Err`. It asks for `AssertUnwindSafe` \
                 around the job.",
                "Or give each job a task of its own, and let the worker await it: a `JoinError` \
                 holds the panic.",
                "The payload of a panic is a `Box<dyn Any>`. Try `downcast_ref::<&str>()`, and then \
                 `downcast_ref::<String>()`.",
                "README, \"The naive pool has four faults\".",
            ],
        },
        Step {
            does: "a caller that submits too fast has to wait",
            task: "Give the queue a bound, such as the number of workers.",
            check: bounded::<P>,
            hints: &[
                "Without a bound, a fast caller fills the memory. `bounded(n)` instead of \
                 `unbounded()` makes its senders wait.",
                "Waiting happens in `submit`, before the job is in the queue.",
                "README, \"A queue that makes you wait\".",
            ],
        },
        Step {
            does: "stop waits for the accepted jobs and refuses others",
            task: "Close the queue, and wait until the workers have ended. A job that comes too late \
                   gets an error.",
            check: stops::<P>,
            hints: &[
                "A worker learns from its queue that there will be no more jobs: `recv` returns an \
                 error when the queue is closed and empty.",
                "`stop` takes `&self`. Keep the workers' handles behind a lock, take them out, and \
                 await them. The lock must not be held by `submit`.",
                "If `send` returns an error, the job was not accepted, and is dropped. Then the \
                 sender of its result is dropped too, and the receiver gets an error.",
                "README, \"Three ways to end\".",
            ],
        },
        Step {
            does: "nobody has to wait for a result",
            task: "Look at what happens if a handle, or a caller of `submit` or `stop`, is dropped.",
            check: dropped::<P>,
            hints: &[
                "If the handle is dropped, sending the result fails. That is not a reason to panic, \
                 and not a reason to stop the job.",
                "If `stop` is dropped while it waits, somebody may call it again.",
                "README, \"A dropped handle does not cancel its job\".",
            ],
        },
    ]
}

/// A job that takes half a second, and records when it began.
fn work(begun: &Arc<Mutex<Vec<f64>>>, start: Instant) -> impl Future<Output = u32> + Send + use<> {
    let begun = Arc::clone(begun);
    async move {
        let place = {
            let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.push(start.elapsed().as_secs_f64());
            begun.len() as u32
        };
        sleep(WORK).await;
        place
    }
}

fn results<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let pool = P::new(3);
        let mut handles = Vec::new();
        // The later jobs end first.
        for number in 0..6_u32 {
            let pause = Duration::from_millis(u64::from(100 * (10 - number)));
            let job = async move {
                sleep(pause).await;
                number * number
            };
            handles.push(pool.submit(job).await);
        }
        for (number, handle) in (0..).zip(handles) {
            let result = handle.await;
            expect(result == Ok(number * number), || {
                format!("The job that computes {number} * {number} returned {result:?}.")
            })?;
        }
        Ok(())
    })
}

fn workers<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        for workers in [1, 3, 5] {
            let (pool, start) = (P::new(workers), Instant::now());
            let begun = Arc::default();
            let mut handles = Vec::new();
            for _ in 0..10 {
                handles.push(pool.submit(work(&begun, start)).await);
            }
            let mut places = Vec::new();
            for handle in handles {
                places.push(handle.await?);
            }
            let begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
            let expected: Vec<_> =
                (0..10).map(|job| (job / workers) as f64 * WORK.as_secs_f64()).collect();
            let fits = begun.iter().zip(&expected).all(|(seen, at)| (seen - at).abs() < 0.005);
            expect(fits && begun.len() == 10, || {
                format!(
                    "Number of workers: {workers}. Ten jobs of 0.5 s began at {}\nexpected: {}",
                    list(&begun),
                    list(&expected)
                )
            })?;
            expect(places.is_sorted(), || {
                format!(
                    "Number of workers: {workers}. Jobs 1 to 10 were started in the order {places:?}."
                )
            })?;
        }
        Ok(())
    })
}

fn panics<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let pool = P::new(1);
        let text = "a bug in a job";
        let first = pool.submit(async move { panic!("{text}") }).await;
        let second = pool.submit(async { panic!("another bug") }).await;
        let after = pool.submit(async { 42 }).await;
        for (handle, text) in [(first, text), (second, "another bug")] {
            let seen = handle.await;
            let keeps = seen.as_ref().is_err_and(|message| message.contains(text));
            expect(keeps, || {
                format!("A job panicked with \"{text}\", but its handle returned {seen:?}.")
            })?;
        }
        let after = timeout(Duration::from_secs(60), after).await;
        expect(after == Ok(Ok(42)), || match after {
            Ok(seen) => format!("The job after two panics returned {seen:?} instead of 42."),
            Err(_) => "After two panics, the only worker does not run the next job.".into(),
        })
    })
}

fn bounded<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let (pool, mut handles) = (P::new(2), Vec::new());
        let minute = Duration::from_secs(60);
        let endless = || std::future::pending::<u32>();
        while let Ok(handle) = timeout(minute, pool.submit(endless())).await {
            handles.push(handle);
            expect(handles.len() <= 100, || {
                "Both workers have jobs that never end, but more than 100 jobs were accepted."
                    .into()
            })?;
        }
        let accepted = handles.len();
        expect(accepted > 2, || {
            format!(
                "Both workers were busy, and the queue had room for no job: {accepted} were \
                 accepted in all. A caller should be able to hand over a job and go on."
            )
        })
    })
}

fn stops<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let (pool, done) = (P::new(2), Arc::new(AtomicUsize::new(0)));
        let mut handles = Vec::new();
        for _ in 0..4 {
            let done = Arc::clone(&done);
            let job = async move {
                sleep(WORK).await;
                done.fetch_add(1, SeqCst) as u32
            };
            handles.push(pool.submit(job).await);
        }
        let stopped = timeout(Duration::from_secs(3600), pool.stop()).await;
        expect(stopped.is_ok(), || "`stop` was still waiting an hour after the last job.".into())?;
        let ended = done.load(SeqCst);
        expect(ended == 4, || {
            format!("Four jobs were accepted, but {ended} had ended when `stop` returned.")
        })?;
        let late = async { pool.submit(async { 1 }).await.await };
        let late = timeout(Duration::from_secs(3600), late).await;
        expect(matches!(late, Ok(Err(_))), || match late {
            Ok(seen) => {
                format!("A job that came after `stop` returned {seen:?} instead of an error.")
            }
            Err(_) => "A job that came after `stop` neither ran nor returned an error.".into(),
        })?;
        let again = timeout(Duration::from_secs(3600), pool.stop()).await;
        expect(again.is_ok(), || "A second call of `stop` never returned.".into())
    })
}

fn dropped<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let (pool, begun, start) = (Arc::new(P::new(1)), Arc::default(), Instant::now());
        drop(pool.submit(work(&begun, start)).await);
        // This caller gives up while it waits for room in the queue.
        let (crowd, theirs) = (Arc::clone(&pool), Arc::clone(&begun));
        let caller = tokio::spawn(async move {
            for _ in 0..20 {
                drop(crowd.submit(work(&theirs, start)).await);
            }
        });
        sleep(WORK / 5).await;
        caller.abort();
        let _ = caller.await;
        // This caller of `stop` gives up, too.
        let early = timeout(WORK / 5, pool.stop()).await;
        expect(early.is_err(), || "`stop` did not wait for the jobs.".into())?;
        let stopped = timeout(Duration::from_secs(3600), pool.stop()).await;
        expect(stopped.is_ok(), || {
            "A caller of `stop` gave up. The next call of `stop` never returned.".into()
        })?;
        let took = start.elapsed();
        let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).len() as u32;
        expect(begun >= 2, || {
            format!("Nobody waited for the results, and {begun} of the accepted jobs began.")
        })?;
        expect(took.as_secs_f64() + 0.001 >= (WORK * begun).as_secs_f64(), || {
            format!(
                "A caller of `stop` gave up. The next call of `stop` returned after {took:.2?}, \
                 although {begun} jobs of 0.5 s had begun on one worker."
            )
        })
    })
}
