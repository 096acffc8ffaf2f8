//! Tests what the lesson promises about `WorkerPool`. The tests run on the paused clock, because
//! they wait only for timers.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::on_the_paused_clock;
use futures_util::poll;
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use worker_pool::{JobError, PoolError, Stats, SubmitError, WorkerPool, current_worker};

const WORK: Duration = Duration::from_millis(500);

#[test]
fn every_handle_returns_the_result_of_its_job() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(3).unwrap();
        let mut handles = Vec::new();
        for number in 0..10_u32 {
            handles.push(pool.submit(async move { number * number }).await.unwrap());
        }
        for (number, handle) in (0..).zip(handles) {
            assert_eq!(handle.await, Ok(number * number));
        }
    });
}

#[test]
fn ten_jobs_on_three_workers_take_four_rounds() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(3).unwrap();
        assert_eq!(pool.workers(), 3);
        let start = Instant::now();
        let mut handles = Vec::new();
        for _ in 0..10 {
            let job = async { (sleep(WORK).await, current_worker()).1 };
            handles.push(pool.submit(job).await.unwrap());
        }
        let mut workers = Vec::new();
        for handle in handles {
            workers.push(handle.await.unwrap().unwrap());
        }
        assert_eq!(start.elapsed(), 4 * WORK);
        // In each round, every worker runs one job.
        for round in workers.chunks_exact_mut(3) {
            round.sort();
            assert_eq!(round, [1, 2, 3]);
        }
    });
}

#[test]
fn never_more_jobs_run_than_there_are_workers() {
    on_the_paused_clock(async {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let pool = WorkerPool::new(4).unwrap();
        for _ in 0..50 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let job = async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(WORK).await;
                running.fetch_sub(1, SeqCst);
            };
            pool.submit(job).await.unwrap();
        }
        pool.stop().await;
        assert_eq!(most.load(SeqCst), 4);
    });
}

#[test]
fn a_panic_becomes_an_error_on_the_handle_and_the_worker_keeps_running() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(1).unwrap();
        let plain = pool.submit(async { panic!("plain") }).await.unwrap();
        let formatted = pool.submit(async { panic!("with {}", 1) }).await.unwrap();
        let wordless = pool.submit(async { std::panic::panic_any(7) }).await.unwrap();
        let after = pool.submit(async { current_worker() }).await.unwrap();
        let plain: Result<(), _> = plain.await;
        let formatted: Result<(), _> = formatted.await;
        assert_eq!(plain, Err(JobError::Panicked("plain".into())));
        assert_eq!(formatted, Err(JobError::Panicked("with 1".into())));
        let wordless: Result<(), _> = wordless.await;
        assert_eq!(wordless, Err(JobError::Panicked("no message".into())));
        assert_eq!(after.await, Ok(Some(1)), "the only worker must still be running");
        pool.join().await;
        pool.stop().await;
    });
}

#[test]
fn submit_waits_while_the_queue_is_full() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 2).unwrap();
        let start = Instant::now();
        // One job runs and two are queued. The fourth has to wait for the first to end.
        for waits in [0, 0, 0, 1, 2] {
            // With `submit(sleep(WORK))`, the sleep would begin here, and not when the job starts.
            pool.submit(async { sleep(WORK).await }).await.unwrap();
            tokio::task::yield_now().await; // let the worker, if it is idle, take a job
            assert_eq!(start.elapsed(), waits * WORK);
        }
    });
}

#[test]
fn a_submit_dropped_while_it_waits_submits_nothing() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 1).unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let job = || {
            let ran = Arc::clone(&ran);
            async move {
                sleep(WORK).await;
                ran.fetch_add(1, SeqCst);
            }
        };
        pool.submit(job()).await.unwrap();
        tokio::task::yield_now().await;
        pool.submit(job()).await.unwrap();
        let mut waits = Box::pin(pool.submit(job()));
        assert!(poll!(&mut waits).is_pending());
        drop(waits);
        pool.join().await; // `join` does not wait for the dropped submit either
        pool.stop().await;
        assert_eq!(ran.load(SeqCst), 2);
    });
}

#[test]
fn a_dropped_handle_does_not_cancel_its_job() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(1).unwrap();
        let (done, is_done) = oneshot::channel();
        drop(pool.submit(async move { done.send("done") }).await.unwrap());
        assert_eq!(is_done.await, Ok("done"));
    });
}

#[test]
fn join_waits_for_earlier_jobs_but_not_for_later_ones() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(2).unwrap();
        let start = Instant::now();
        pool.submit(sleep(WORK)).await.unwrap();
        let mut join = Box::pin(pool.join());
        assert!(poll!(&mut join).is_pending());
        let later = pool.submit(sleep(100 * WORK)).await.unwrap();
        join.await;
        assert_eq!(start.elapsed(), WORK);
        later.await.unwrap(); // the pool still runs jobs
        assert_eq!(start.elapsed(), 100 * WORK);
    });
}

#[test]
fn join_on_an_idle_pool_returns_immediately() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(2).unwrap();
        let start = Instant::now();
        pool.join().await;
        pool.submit(async {}).await.unwrap().await.unwrap();
        pool.join().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn stop_runs_the_queued_jobs_and_accepts_no_new_ones() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 10).unwrap();
        let start = Instant::now();
        let mut handles = Vec::new();
        for number in 0..5 {
            handles.push(pool.submit(async move { (sleep(WORK).await, number).1 }).await.unwrap());
        }
        let mut stop = Box::pin(pool.stop());
        assert!(poll!(&mut stop).is_pending());
        assert_eq!(pool.submit(async {}).await.unwrap_err(), SubmitError::Stopped);
        stop.await;
        assert_eq!(start.elapsed(), 5 * WORK);
        for (number, handle) in (0..).zip(handles) {
            assert_eq!(handle.await, Ok(number));
        }
        pool.stop().await; // calling `stop` twice does no harm
        pool.join().await;
    });
}

#[test]
fn stop_refuses_waiting_submits_immediately() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 1).unwrap();
        pool.submit(sleep(WORK)).await.unwrap();
        tokio::task::yield_now().await; // let the worker take the job
        pool.submit(sleep(WORK)).await.unwrap();
        let mut first = Box::pin(pool.submit(async {}));
        let mut second = Box::pin(pool.submit(async {}));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());

        let start = Instant::now();
        let mut stop = Box::pin(pool.stop());
        assert!(poll!(&mut stop).is_pending());
        assert_eq!(first.await.unwrap_err(), SubmitError::Stopped);
        assert_eq!(second.await.unwrap_err(), SubmitError::Stopped);
        // The queue is still full, but the error must not be `Full`, which would invite the caller
        // to try again.
        assert_eq!(pool.try_submit(async {}).unwrap_err(), SubmitError::Stopped);
        assert_eq!(start.elapsed(), Duration::ZERO, "no caller may wait for the running job");
        stop.await;
        assert_eq!(pool.stats(), Stats { ok: 2, ..Stats::default() });
    });
}

#[test]
fn a_stop_dropped_while_it_waits_still_stops_the_pool() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(1).unwrap();
        let accepted = pool.submit(async { sleep(WORK).await }).await.unwrap();
        let mut stop = Box::pin(pool.stop());
        assert!(poll!(&mut stop).is_pending());
        drop(stop);
        assert_eq!(pool.try_submit(async {}).unwrap_err(), SubmitError::Stopped);
        assert_eq!(accepted.await, Ok(()));
        pool.stop().await;
    });
}

/// Returns how many tasks the runtime still has. Every worker is one of these tasks; the test
/// itself is not.
fn live_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[test]
fn dropping_the_pool_ends_its_workers_after_the_accepted_jobs() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(2, 4).unwrap();
        let mut handles = Vec::new();
        for number in 0..4 {
            handles.push(pool.submit(async move { (sleep(WORK).await, number).1 }).await.unwrap());
        }
        drop(pool);
        assert_eq!(live_tasks(), 2, "dropping the pool must not wait for its workers");
        for (number, handle) in (0..).zip(handles) {
            assert_eq!(handle.await, Ok(number));
        }
        sleep(WORK).await; // the clock moves only when no task can run
        assert_eq!(live_tasks(), 0, "the idle workers must have ended");
    });
}

#[test]
fn idle_workers_are_not_woken() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(8).unwrap();
        pool.submit(async {}).await.unwrap().await.unwrap();
        // This counts how many times this runtime's only thread has gone to sleep. If a worker
        // looked for work every second, the thread would go to sleep 3,600 times.
        let runtime = tokio::runtime::Handle::current().metrics();
        let parked = runtime.worker_park_count(0);
        sleep(Duration::from_secs(3600)).await;
        assert!(runtime.worker_park_count(0) - parked < 10);
        pool.stop().await;
    });
}

#[test]
fn when_the_runtime_shuts_down_every_handle_gets_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (pool, running, queued) = runtime.block_on(async {
        let pool = WorkerPool::new(1).unwrap();
        let running = pool.submit(pending::<()>()).await.unwrap();
        tokio::task::yield_now().await;
        let queued = pool.submit(pending::<()>()).await.unwrap();
        (pool, running, queued)
    });
    drop(runtime);
    // The pool outlives its runtime, but no call on it waits forever.
    on_the_paused_clock(async {
        assert_eq!(running.await, Err(JobError::Cancelled));
        assert_eq!(queued.await, Err(JobError::Cancelled));
        assert_eq!(pool.submit(async {}).await.unwrap_err(), SubmitError::Stopped);
        pool.join().await;
        pool.stop().await;
        assert_eq!(pool.stats().cancelled, 2);
    });
}

#[tokio::test]
async fn zero_workers_and_a_queue_without_room_are_refused() {
    assert_eq!(WorkerPool::new(0).err(), Some(PoolError::NoWorkers));
    assert_eq!(WorkerPool::with_capacity(1, 0).err(), Some(PoolError::NoRoom));
}

#[test]
fn try_submit_refuses_a_job_when_the_queue_is_full() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 1).unwrap();
        pool.submit(async { sleep(WORK).await }).await.unwrap();
        tokio::task::yield_now().await; // let the worker take the job
        let queued = pool.try_submit(async { 42 }).unwrap();
        assert_eq!(pool.try_submit(async {}).unwrap_err(), SubmitError::Full);
        assert_eq!(queued.await, Ok(42));
        pool.stop().await;
        assert_eq!(pool.try_submit(async {}).unwrap_err(), SubmitError::Stopped);
    });
}

#[test]
fn waiting_callers_get_room_in_the_order_of_their_arrival() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 1).unwrap();
        pool.submit(async { sleep(WORK).await }).await.unwrap();
        tokio::task::yield_now().await; // let the worker take the job
        let ran = Arc::new(Mutex::new(Vec::new()));
        let job = |number| {
            let ran = Arc::clone(&ran);
            async move { ran.lock().unwrap().push(number) }
        };
        pool.submit(job(0)).await.unwrap();
        let mut first = Box::pin(pool.submit(job(1)));
        let mut second = Box::pin(pool.submit(job(2)));
        let mut gives_up = Box::pin(pool.submit(job(3)));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut gives_up).is_pending());
        assert!(poll!(&mut second).is_pending());
        sleep(2 * WORK).await; // now the queue is empty, but the first caller is next
        assert_eq!(pool.stats().queued, 0);
        assert_eq!(pool.try_submit(job(4)).unwrap_err(), SubmitError::Full);
        assert!(poll!(&mut second).is_pending());
        drop(gives_up);
        let (first, second) = tokio::join!(first, second);
        first.unwrap().await.unwrap();
        second.unwrap().await.unwrap();
        pool.try_submit(job(5)).unwrap().await.unwrap();
        assert_eq!(*ran.lock().unwrap(), [0, 1, 2, 5]);
    });
}

#[test]
fn a_worker_whose_jobs_never_wait_still_yields_the_thread() {
    on_the_paused_clock(async {
        // The runtime has one thread, and the worker always finds another job.
        let pool = Arc::new(WorkerPool::with_capacity(1, 10_000).unwrap());
        for _ in 0..10_000 {
            pool.submit(async {}).await.unwrap();
        }
        tokio::task::yield_now().await;
        let stats = pool.stats();
        assert!(stats.ok > 0 && stats.queued > 9_000, "{stats:?}");
        pool.abort().await;
        assert!(pool.stats().cancelled > 9_000, "`abort` must not run the queued jobs");
    });
}

#[test]
fn a_job_may_use_its_pool_while_it_is_dropped() {
    on_the_paused_clock(async {
        struct Asks(Arc<WorkerPool>);
        impl Drop for Asks {
            fn drop(&mut self) {
                self.0.stats();
            }
        }
        let pool = Arc::new(WorkerPool::with_capacity(1, 2).unwrap());
        let job = || {
            let asks = Asks(Arc::clone(&pool));
            async move {
                pending::<()>().await;
                drop(asks);
            }
        };
        pool.submit(job()).await.unwrap();
        tokio::task::yield_now().await;
        pool.submit(job()).await.unwrap();
        pool.submit(job()).await.unwrap();
        assert_eq!(pool.try_submit(job()).unwrap_err(), SubmitError::Full);
        pool.abort().await;
        assert_eq!(pool.try_submit(job()).unwrap_err(), SubmitError::Stopped);
        assert_eq!(pool.submit(job()).await.unwrap_err(), SubmitError::Stopped);
        assert_eq!(pool.stats(), Stats { cancelled: 3, ..Stats::default() });
    });
}

#[test]
fn a_job_that_times_out_is_dropped_and_time_in_the_queue_does_not_count() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 3).unwrap();
        let held = Arc::new(());
        let its = Arc::clone(&held);
        let long = async move {
            sleep(2 * WORK).await;
            drop(its);
        };
        let start = Instant::now();
        let late = pool.submit_with_timeout(WORK, long).await.unwrap();
        let in_time =
            pool.submit_with_timeout(WORK, async { sleep(WORK / 2).await }).await.unwrap();
        assert_eq!(late.await, Err(JobError::TimedOut));
        assert_eq!(start.elapsed(), WORK);
        assert_eq!(Arc::strong_count(&held), 1, "the job must have been dropped");
        assert_eq!(in_time.await, Ok(()));
    });
}

#[test]
fn map_gives_results_in_order_with_every_failure_in_its_place() {
    on_the_paused_clock(async {
        let pool = WorkerPool::new(3).unwrap();
        let results = pool
            .map(1..=6_u64, |number| async move {
                sleep(WORK / number as u32).await; // the later jobs finish sooner
                assert!(number != 4, "a bug in {number}");
                number * number
            })
            .await;
        let bug = JobError::Panicked("a bug in 4".into());
        assert_eq!(results, [Ok(1), Ok(4), Ok(9), Err(bug), Ok(25), Ok(36)]);
    });
}

#[test]
fn abort_returns_after_every_running_job_has_been_dropped() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(2, 10).unwrap();
        let held = Arc::new(());
        let mut handles = Vec::new();
        for _ in 0..6 {
            let its = Arc::clone(&held);
            let job = async move {
                pending::<()>().await;
                drop(its);
            };
            handles.push(pool.submit(job).await.unwrap());
        }
        tokio::task::yield_now().await; // the workers take two jobs, and four stay queued
        assert_eq!((pool.stats().running, pool.stats().queued), (2, 4));
        pool.abort().await;
        assert_eq!(Arc::strong_count(&held), 1, "every job must have been dropped");
        for handle in handles {
            assert_eq!(handle.await, Err(JobError::Cancelled));
        }
        assert_eq!(pool.stats(), Stats { cancelled: 6, ..Stats::default() });
        pool.join().await;
        pool.stop().await;
    });
}

#[test]
fn an_abort_dropped_while_it_waits_still_cancels_every_job() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 1).unwrap();
        let running = pool.submit(pending::<()>()).await.unwrap();
        tokio::task::yield_now().await; // let the worker take the job
        let queued = pool.submit(pending::<()>()).await.unwrap();
        let mut abort = Box::pin(pool.abort());
        assert!(poll!(&mut abort).is_pending());
        drop(abort);
        // The worker has not run since `abort` was polled, so `abort` itself must have emptied the
        // queue.
        assert_eq!(pool.stats(), Stats { running: 1, cancelled: 1, ..Stats::default() });
        assert_eq!(pool.try_submit(async {}).unwrap_err(), SubmitError::Stopped);
        assert_eq!(queued.await, Err(JobError::Cancelled));
        assert_eq!(running.await, Err(JobError::Cancelled));
    });
}

/// A value that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[test]
fn abort_cancels_every_job_even_if_dropping_one_panics() {
    on_the_paused_clock(async {
        let pool = WorkerPool::with_capacity(1, 2).unwrap();
        let job = || {
            let bomb = Bomb;
            async move {
                pending::<()>().await;
                drop(bomb);
            }
        };
        let mut handles = vec![pool.submit(job()).await.unwrap()];
        tokio::task::yield_now().await; // let the worker take the job
        handles.push(pool.submit(job()).await.unwrap());
        handles.push(pool.submit(job()).await.unwrap());
        pool.abort().await;
        for handle in handles {
            let panicked = JobError::Panicked("while its future was being dropped".into());
            assert_eq!(handle.await, Err(panicked));
        }
        assert_eq!(pool.stats(), Stats { panicked: 3, ..Stats::default() });
    });
}

#[test]
fn a_panic_storm_kills_no_worker() {
    on_the_paused_clock(async {
        // We drop each handle immediately, so the worker drops the job's result. For a `Bomb`, that
        // panics.
        std::panic::set_hook(Box::new(|_| {})); // otherwise, this would print two thousand messages
        let pool = WorkerPool::new(2).unwrap();
        for _ in 0..1000 {
            drop(pool.submit(async { panic!("storm") }).await.unwrap());
            drop(pool.submit(async { Bomb }).await.unwrap());
        }
        pool.join().await;
        let _ = std::panic::take_hook();
        let mut workers =
            pool.map(0..2, |_| async { (sleep(WORK).await, current_worker()).1 }).await;
        workers.sort_by_key(|worker| worker.as_ref().ok().copied());
        assert_eq!(workers, [Ok(Some(1)), Ok(Some(2))]);
        assert_eq!(pool.stats().panicked, 1000);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn submits_that_race_a_stop_are_accepted_or_refused_and_never_lost() {
    // Four submitters run on real threads. The model in tests/shuttle looks for rarer
    // interleavings.
    let race = async |capacity, head_start| {
        let pool = Arc::new(WorkerPool::with_capacity(2, capacity).unwrap());
        let submit_until_refused = |_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                let mut handles = Vec::new();
                while let Ok(handle) = pool.submit(async { 42 }).await {
                    handles.push(handle);
                    // Yield now and then, so that the test's timeout works even if the pool never
                    // refuses a job.
                    tokio::task::consume_budget().await;
                }
                handles
            })
        };
        let submitters: Vec<_> = (0..4).map(submit_until_refused).collect();
        for _ in 0..head_start {
            tokio::task::yield_now().await;
        }
        pool.stop().await;
        let mut taken = 0;
        for submitter in submitters {
            for handle in submitter.await.unwrap() {
                assert_eq!(handle.await, Ok(42), "`stop` must run every accepted job");
                taken += 1;
            }
        }
        assert_eq!(pool.stats(), Stats { ok: taken, ..Stats::default() });
    };
    for round in 0..200 {
        let race = race(1 + round % 3, round % 7);
        timeout(Duration::from_secs(10), race)
            .await
            .expect("the race was still waiting after 10 s");
    }
}

/// One step of the property test.
#[derive(Debug, Clone)]
enum Step {
    Works(u64),
    Panics(u64),
    RunsOutOfTime,
    NeverEnds,
    TrySubmit,
    DropASubmitHalfWay,
    DropAHandle,
    Pause(u64),
    Join,
    Stop,
    Abort,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..50).prop_map(Step::Works),
        3 => (0_u64..50).prop_map(Step::Panics),
        3 => Just(Step::RunsOutOfTime),
        1 => Just(Step::NeverEnds),
        3 => Just(Step::TrySubmit),
        3 => Just(Step::DropASubmitHalfWay),
        2 => Just(Step::DropAHandle),
        4 => (0_u64..100).prop_map(Step::Pause),
        1 => Just(Step::Join),
        1 => Just(Step::Stop),
        1 => Just(Step::Abort),
    ]
}

/// Runs the steps, then aborts the pool. Returns how many jobs were accepted, the counters, and
/// whether every handle returned either the expected result or `Cancelled`.
async fn play(workers: usize, capacity: usize, steps: Vec<Step>) -> (u64, Stats, bool) {
    let ms = Duration::from_millis;
    let patience = ms(1_000);
    let pool = WorkerPool::with_capacity(workers, capacity).unwrap();
    let (mut taken, mut handles) = (0, Vec::new());
    let bug = || Err(JobError::Panicked("a bug".into()));
    for step in steps {
        // If the queue stays full, give up on this submit.
        let (submitted, expected) = match step {
            Step::Works(time) => {
                let job = async move { sleep(ms(time)).await };
                (timeout(patience, pool.submit(job)).await.ok(), Ok(()))
            }
            Step::Panics(time) => {
                let job = async move {
                    sleep(ms(time)).await;
                    panic!("a bug")
                };
                (timeout(patience, pool.submit(job)).await.ok(), bug())
            }
            Step::RunsOutOfTime => {
                let submit = pool.submit_with_timeout(ms(20), async { pending().await });
                (timeout(patience, submit).await.ok(), Err(JobError::TimedOut))
            }
            Step::NeverEnds => {
                let submit = pool.submit(async { pending().await });
                (timeout(patience, submit).await.ok(), Err(JobError::Cancelled))
            }
            Step::TrySubmit => (Some(pool.try_submit(async {})), Ok(())),
            Step::DropASubmitHalfWay => {
                let mut submit = Box::pin(pool.submit(async {}));
                match poll!(&mut submit) {
                    std::task::Poll::Ready(submitted) => (Some(submitted), Ok(())),
                    std::task::Poll::Pending => continue,
                }
            }
            Step::DropAHandle => {
                if let Ok(handle) = pool.try_submit(async {}) {
                    taken += 1;
                    drop(handle);
                }
                continue;
            }
            Step::Pause(time) => {
                sleep(ms(time)).await;
                continue;
            }
            Step::Join => {
                let _ = timeout(patience, pool.join()).await;
                continue;
            }
            Step::Stop => {
                let _ = timeout(patience, pool.stop()).await;
                continue;
            }
            Step::Abort => {
                pool.abort().await;
                continue;
            }
        };
        if let Some(Ok(handle)) = submitted {
            taken += 1;
            handles.push((handle, expected));
        }
    }
    pool.abort().await;
    pool.join().await;
    let mut all_right = true;
    for (handle, expected) in handles {
        let result = handle.await;
        all_right &= result == expected || result == Err(JobError::Cancelled);
    }
    (taken, pool.stats(), all_right)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("STRESS").is_some() { 20_000 } else { 200 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_job_ends_and_is_counted_after_random_calls(
        workers in 1_usize..4,
        capacity in 1_usize..4,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let (taken, stats, all_right) = on_the_paused_clock(play(workers, capacity, steps));
        prop_assert!(all_right);
        prop_assert_eq!(stats.submitted(), taken);
        prop_assert_eq!((stats.queued, stats.running), (0, 0));
    }
}

#[test]
fn many_finished_jobs_leave_no_memory_behind() {
    on_the_paused_clock(async {
        let jobs = if std::env::var_os("STRESS").is_some() { 1_000_000 } else { 20_000 };
        let pool = WorkerPool::new(4).unwrap();
        let held = Arc::new(());
        for number in 0..jobs {
            let its = Arc::clone(&held);
            let handle = pool.submit(async move { Arc::strong_count(&its) }).await.unwrap();
            if number % 2 == 0 {
                // The queue and the workers hold only a few jobs. The thousands of jobs before
                // these must have been dropped.
                assert!(handle.await.unwrap() < 20);
            }
        }
        pool.join().await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(pool.stats(), Stats { ok: jobs, ..Stats::default() });
    });
}
