//! The worker pool of the exercise as it is usually written, and what becomes of it.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::naive_pool::NaivePool;
use crate::on_the_paused_clock;
use tokio::time::{sleep, timeout};
use worker_pool::{JobError, WorkerPool};

const AN_HOUR: Duration = Duration::from_secs(60 * 60);

#[test]
fn one_panic_kills_a_naive_worker_and_join_hangs() {
    on_the_paused_clock(async {
        let naive = NaivePool::new(1);
        naive.submit(async { panic!("a bug") });
        assert!(timeout(AN_HOUR, naive.join()).await.is_err(), "it would wait for ever");
        assert!(naive.workers[0].is_finished(), "and nobody is left to work");

        let ours = WorkerPool::new(1).unwrap();
        let bug = ours.submit(async { panic!("a bug") }).await.unwrap();
        timeout(AN_HOUR, ours.join()).await.unwrap();
        let bug: Result<(), _> = bug.await;
        assert_eq!(bug, Err(JobError::Panicked("a bug".into())));
    });
}

#[test]
fn a_naive_worker_looks_for_work_every_second() {
    on_the_paused_clock(async {
        let naive = NaivePool::new(1);
        let runtime = tokio::runtime::Handle::current().metrics();
        let parked = runtime.worker_park_count(0);
        sleep(Duration::from_secs(3600)).await;
        assert!(naive.looked.load(SeqCst) >= 3600);
        // Seen as the test `idle_workers_are_not_woken` would see it.
        assert!(runtime.worker_park_count(0) - parked >= 3600);
    });
}

#[test]
fn a_naive_queue_takes_whatever_comes() {
    on_the_paused_clock(async {
        let naive = NaivePool::new(1);
        for _ in 0..100_000 {
            naive.submit(sleep(AN_HOUR));
        }
        assert!(naive.queue.lock().unwrap().len() >= 99_999, "all of it in memory");

        let ours = WorkerPool::with_capacity(1, 10).unwrap();
        let mut taken = 0;
        while taken < 100
            && timeout(Duration::from_secs(1), ours.submit(sleep(AN_HOUR))).await.is_ok()
        {
            taken += 1;
        }
        assert_eq!(taken, 11, "one that runs, ten that wait; then the caller waits too");
    });
}

#[test]
fn a_naive_job_can_print_its_result_and_no_more() {
    on_the_paused_clock(async {
        let naive = NaivePool::new(1);
        // All that comes back from `submit` is nothing, now and later.
        let () = naive.submit(async { println!("{}", 6 * 7) });
        naive.join().await;

        let ours = WorkerPool::new(1).unwrap();
        assert_eq!(ours.submit(async { 6 * 7 }).await.unwrap().await, Ok(42));
    });
}
