//! Shows the faults of the worker pool as people usually write it.

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
        assert!(timeout(AN_HOUR, naive.join()).await.is_err(), "the naive `join` must hang");
        assert!(naive.workers[0].is_finished(), "the panic must have ended the worker");

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
        // The test `idle_workers_are_not_woken` counts in the same way.
        assert!(runtime.worker_park_count(0) - parked >= 3600);
    });
}

#[test]
fn a_naive_queue_has_no_bound() {
    on_the_paused_clock(async {
        let naive = NaivePool::new(1);
        for _ in 0..100_000 {
            naive.submit(sleep(AN_HOUR));
        }
        assert!(naive.queue.lock().unwrap().len() >= 99_999, "all queued jobs must be in memory");

        let ours = WorkerPool::with_capacity(1, 10).unwrap();
        let mut taken = 0;
        while taken < 100
            && timeout(Duration::from_secs(1), ours.submit(sleep(AN_HOUR))).await.is_ok()
        {
            taken += 1;
        }
        assert_eq!(taken, 11, "one job runs, ten are queued, and then the caller has to wait");
    });
}

#[test]
fn a_naive_job_can_only_print_its_result() {
    on_the_paused_clock(async {
        let naive = NaivePool::new(1);
        // `submit` returns nothing, neither now nor later.
        let () = naive.submit(async { println!("{}", 6 * 7) });
        naive.join().await;

        let ours = WorkerPool::new(1).unwrap();
        assert_eq!(ours.submit(async { 6 * 7 }).await.unwrap().await, Ok(42));
    });
}
