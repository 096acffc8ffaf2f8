//! What the lesson promises of `WorkerPool`, on the paused clock: nothing but timers waits here.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::poll;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use worker_pool::{JobError, PoolError, Stopped, WorkerPool, current_worker};

const WORK: Duration = Duration::from_millis(500);

#[tokio::test(start_paused = true)]
async fn every_handle_gives_the_result_of_its_job() {
    let pool = WorkerPool::new(3).unwrap();
    let mut handles = Vec::new();
    for number in 0..10_u32 {
        handles.push(pool.submit(async move { number * number }).await.unwrap());
    }
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.await, Ok(number * number));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_jobs_on_three_workers_take_four_rounds() {
    let pool = WorkerPool::new(3).unwrap();
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
    // In each round every worker has one job.
    for round in workers.chunks_exact_mut(3) {
        round.sort();
        assert_eq!(round, [1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn never_more_jobs_run_than_there_are_workers() {
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
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_on_its_handle_and_its_worker_lives_on() {
    let pool = WorkerPool::new(1).unwrap();
    let plain = pool.submit(async { panic!("plain") }).await.unwrap();
    let formatted = pool.submit(async { panic!("with {}", 1) }).await.unwrap();
    let after = pool.submit(async { current_worker() }).await.unwrap();
    let plain: Result<(), _> = plain.await;
    let formatted: Result<(), _> = formatted.await;
    assert_eq!(plain, Err(JobError::Panicked("plain".into())));
    assert_eq!(formatted, Err(JobError::Panicked("with 1".into())));
    assert_eq!(after.await, Ok(Some(1)), "the one worker is still there");
    pool.join().await;
    pool.stop().await;
}

#[tokio::test(start_paused = true)]
async fn submit_waits_while_the_queue_is_full() {
    let pool = WorkerPool::with_capacity(1, 2).unwrap();
    let start = Instant::now();
    // One runs, two are queued, the fourth has to wait for the first to end.
    for waits in [0, 0, 0, 1, 2] {
        // Not `submit(sleep(WORK))`: a sleep counts from the call that makes it, in the queue too.
        pool.submit(async { sleep(WORK).await }).await.unwrap();
        tokio::task::yield_now().await; // let the worker take what it can
        assert_eq!(start.elapsed(), waits * WORK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_submit_dropped_while_it_waits_submits_nothing() {
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
    pool.join().await; // and it is not waited for either
    pool.stop().await;
    assert_eq!(ran.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_does_not_cancel_its_job() {
    let pool = WorkerPool::new(1).unwrap();
    let (done, is_done) = oneshot::channel();
    drop(pool.submit(async move { done.send("done") }).await.unwrap());
    assert_eq!(is_done.await, Ok("done"));
}

#[tokio::test(start_paused = true)]
async fn join_waits_for_the_jobs_before_it_and_for_no_later_ones() {
    let pool = WorkerPool::new(2).unwrap();
    let start = Instant::now();
    pool.submit(sleep(WORK)).await.unwrap();
    let mut join = Box::pin(pool.join());
    assert!(poll!(&mut join).is_pending());
    let later = pool.submit(sleep(100 * WORK)).await.unwrap();
    join.await;
    assert_eq!(start.elapsed(), WORK);
    later.await.unwrap(); // the pool goes on
    assert_eq!(start.elapsed(), 100 * WORK);
}

#[tokio::test(start_paused = true)]
async fn join_on_an_idle_pool_returns_at_once() {
    let pool = WorkerPool::new(2).unwrap();
    let start = Instant::now();
    pool.join().await;
    pool.submit(async {}).await.unwrap().await.unwrap();
    pool.join().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn stop_drains_the_queue_and_takes_no_more() {
    let pool = WorkerPool::with_capacity(1, 10).unwrap();
    let start = Instant::now();
    let mut handles = Vec::new();
    for number in 0..5 {
        handles.push(pool.submit(async move { (sleep(WORK).await, number).1 }).await.unwrap());
    }
    let mut stop = Box::pin(pool.stop());
    assert!(poll!(&mut stop).is_pending());
    assert_eq!(pool.submit(async {}).await.unwrap_err(), Stopped);
    stop.await;
    assert_eq!(start.elapsed(), 5 * WORK);
    for (number, handle) in (0..).zip(handles) {
        assert_eq!(handle.await, Ok(number));
    }
    pool.stop().await; // once more does no harm
    pool.join().await;
}

#[tokio::test(start_paused = true)]
async fn stop_lets_a_waiting_submit_go() {
    let pool = WorkerPool::with_capacity(1, 1).unwrap();
    pool.submit(sleep(WORK)).await.unwrap();
    tokio::task::yield_now().await;
    pool.submit(sleep(WORK)).await.unwrap();
    let mut waits = Box::pin(pool.submit(async {}));
    assert!(poll!(&mut waits).is_pending());
    let (submitted, ()) = tokio::join!(waits, pool.stop());
    assert_eq!(submitted.unwrap_err(), Stopped);
}

#[tokio::test(start_paused = true)]
async fn idle_workers_are_not_woken() {
    let pool = WorkerPool::new(8).unwrap();
    pool.submit(async {}).await.unwrap().await.unwrap();
    // How often the one thread of this runtime has gone to sleep, for want of anything to do: a
    // worker that looked for work every second would make it 3,600 times.
    let runtime = tokio::runtime::Handle::current().metrics();
    let parked = runtime.worker_park_count(0);
    sleep(Duration::from_secs(3600)).await;
    assert!(runtime.worker_park_count(0) - parked < 10);
    pool.stop().await;
}

#[test]
fn the_end_of_the_runtime_settles_every_handle() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (pool, running, queued) = runtime.block_on(async {
        let pool = WorkerPool::new(1).unwrap();
        let running = pool.submit(pending::<()>()).await.unwrap();
        tokio::task::yield_now().await;
        let queued = pool.submit(pending::<()>()).await.unwrap();
        (pool, running, queued)
    });
    drop(runtime);
    drop(pool);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(running), Err(JobError::Cancelled));
    assert_eq!(runtime.block_on(queued), Err(JobError::Cancelled));
}

#[tokio::test]
async fn zero_workers_and_a_queue_without_room_are_refused() {
    assert_eq!(WorkerPool::new(0).err(), Some(PoolError::NoWorkers));
    assert_eq!(WorkerPool::with_capacity(1, 0).err(), Some(PoolError::NoRoom));
}
