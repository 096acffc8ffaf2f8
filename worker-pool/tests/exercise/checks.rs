//! Checks the promises that the exercise asks a pool to keep, with one function for each promise.
//! The same checks run on our solution, on the pool as people usually write it, and on yours. Each
//! check reports what it saw and what it expected.
//!
//! The checks run on Tokio's paused clock, so they take almost no real time. A check that would
//! wait forever fails after an hour on that clock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// The result of a job: its number, or a text that says what happened instead.
pub type Handle = Pin<Box<dyn Future<Output = Result<u32, String>>>>;

/// The methods of a pool that the checks need.
#[allow(async_fn_in_trait, reason = "nothing is spawned here")]
pub trait Pool {
    fn new(num_workers: usize) -> Self;
    /// Waits for room in the queue, and returns the handle.
    async fn submit(&self, job: impl Future<Output = u32> + Send + 'static) -> Handle;
    /// Stops accepting jobs, and waits for the accepted ones.
    async fn stop(&self);
}

/// The result of a check: `Ok`, or a description of how the pool broke the promise.
pub type Seen = Result<(), String>;

const WORK: Duration = Duration::from_millis(500);

/// Turns each check into a test for one pool.
macro_rules! promises {
    ($pool:ty) => {
        promises! {
            $pool: every_handle_returns_the_result_of_its_job,
            at_most_one_job_per_worker_runs_at_a_time,
            a_panic_is_an_error_only_for_its_own_job,
            a_caller_that_submits_faster_than_the_workers_run_has_to_wait,
            stop_waits_for_the_accepted_jobs,
        }
    };
    ($pool:ty: $($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                if let Err(seen) = checks::$name::<$pool>() {
                    panic!("\n{seen}\n");
                }
            }
        )*
    };
}
pub(crate) use promises;

pub fn every_handle_returns_the_result_of_its_job<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let pool = P::new(3);
        let mut handles = Vec::new();
        for number in 0..10 {
            handles.push(pool.submit(async move { number * number }).await);
        }
        for (number, handle) in (0..).zip(handles) {
            let result = handle.await;
            expect(result == Ok(number * number), || {
                format!("the job that computes {number} * {number} returned {result:?}")
            })?;
        }
        Ok(())
    })
}

pub fn at_most_one_job_per_worker_runs_at_a_time<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let (pool, start) = (P::new(3), Instant::now());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut handles = Vec::new();
        for _ in 0..10 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let job = async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(WORK).await;
                running.fetch_sub(1, SeqCst);
                0
            };
            handles.push(pool.submit(job).await);
        }
        for handle in handles {
            handle.await?;
        }
        let (most, took) = (most.load(SeqCst), start.elapsed());
        expect(most == 3, || format!("three workers, but {most} jobs ran at the same time"))?;
        expect(took == 4 * WORK, || {
            format!("ten jobs of 0.5 s on three workers took {took:?} instead of 2 s")
        })
    })
}

pub fn a_panic_is_an_error_only_for_its_own_job<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let pool = P::new(1);
        let bug = pool.submit(async { panic!("a bug in a job") }).await;
        let after = pool.submit(async { 42 }).await;
        let (bug, after) = (bug.await, after.await);
        expect(bug.is_err(), || format!("the job that panicked returned {bug:?}"))?;
        expect(after == Ok(42), || format!("the job after it returned {after:?} instead of 42"))
    })
}

pub fn a_caller_that_submits_faster_than_the_workers_run_has_to_wait<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let (pool, mut handles) = (P::new(1), Vec::new());
        let minute = Duration::from_secs(60);
        let job = || async { std::future::pending().await };
        while let Ok(handle) = timeout(minute, pool.submit(job())).await {
            handles.push(handle);
            expect(handles.len() <= 100, || {
                "the only worker has a job that never ends, but more than 100 jobs were accepted"
                    .into()
            })?;
        }
        expect(!handles.is_empty(), || "the pool accepted no job".into())
    })
}

pub fn stop_waits_for_the_accepted_jobs<P: Pool>() -> Seen {
    on_the_paused_clock(async {
        let (pool, done) = (P::new(2), Arc::new(AtomicUsize::new(0)));
        for _ in 0..5 {
            let done = Arc::clone(&done);
            let job = async move {
                sleep(WORK).await;
                done.fetch_add(1, SeqCst) as u32
            };
            drop(pool.submit(job).await);
        }
        pool.stop().await;
        let done = done.load(SeqCst);
        expect(done == 5, || {
            format!("five jobs were accepted, but only {done} had ended when `stop` returned")
        })
    })
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
    let late = || Err("the check was still waiting after an hour".into());
    runtime.block_on(async { timeout(hour, check).await.unwrap_or_else(|_| late()) })
}
