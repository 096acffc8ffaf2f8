//! The scenes, and the jobs that they submit.

use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures_util::poll;
use shuttle::rand::{Rng, thread_rng};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn, yield_now};

use crate::error::SubmitError;
use crate::job::{JobError, JobHandle};
use crate::ledger::Stats;
use crate::queue::Queue;
use crate::{Pool, check};

/// Uses the queue when it is dropped, as a job's destructor may. If the queue dropped a job while
/// holding its lock, this would cause a deadlock.
struct UsesTheQueue(Arc<Queue>);

impl Drop for UsesTheQueue {
    fn drop(&mut self) {
        self.0.stats();
    }
}

/// The ways in which a job can end on its own.
const KINDS: [&str; 4] = ["returns", "waits", "runs out of time", "panics"];

type JobResult = Result<(), JobError>;

async fn job(kind: &str, uses: UsesTheQueue) -> JobResult {
    match kind {
        "waits" => yield_now().await,
        "panics" => {
            // Shuttle runs all tasks on one thread. If the destructor let another task run while
            // this one unwinds, `std::thread::panicking` would return true in that task, too.
            drop(uses);
            // This skips the panic hook, which would print the schedule.
            resume_unwind(Box::new("a bug"));
        }
        _ => {}
    }
    expected(kind)
}

/// Returns the result that the job's handle should return, unless the job is cancelled.
fn expected(kind: &str) -> JobResult {
    match kind {
        "runs out of time" => Err(JobError::TimedOut),
        "panics" => Err(JobError::Panicked("a bug".into())),
        _ => Ok(()),
    }
}

/// Submits a job of each kind, and returns the results of those that were accepted.
async fn submit_each_kind(queue: Arc<Queue>) -> Vec<JobResult> {
    let mut handles = Vec::new();
    for kind in KINDS {
        match queue.put(job(kind, UsesTheQueue(Arc::clone(&queue)))).await {
            Ok(handle) => handles.push((kind, handle)),
            Err(error) => assert_eq!(error, SubmitError::Stopped),
        }
    }
    let mut results = Vec::new();
    for (kind, handle) in handles {
        let result = handle.await;
        assert!(result == expected(kind) || result == Err(JobError::Cancelled), "{result:?}");
        results.push(result);
        let finished = queue.stats().finished();
        assert!(
            finished >= results.len() as u64,
            "a job must be counted before its handle is ready"
        );
    }
    results
}

/// Starts `number` tasks that each submit a job of each kind.
fn start_submitters(number: usize, queue: &Arc<Queue>) -> Vec<JoinHandle<Vec<JobResult>>> {
    (0..number).map(|_| spawn(submit_each_kind(Arc::clone(queue)))).collect()
}

/// Waits for the submitters, and returns the results of all accepted jobs.
async fn results(submitters: Vec<JoinHandle<Vec<JobResult>>>) -> Vec<JobResult> {
    let mut results = Vec::new();
    for submitter in submitters {
        results.extend(submitter.await.unwrap());
    }
    results
}

/// Lets the other tasks run, for a random number of turns.
async fn pause() {
    for _ in 0..thread_rng().gen_range(0..20) {
        yield_now().await;
    }
}

/// Counts the results of each kind.
fn tally(results: &[JobResult]) -> Stats {
    let mut stats = Stats::default();
    for result in results {
        *match result {
            Ok(()) => &mut stats.ok,
            Err(JobError::Panicked(_)) => &mut stats.panicked,
            Err(JobError::TimedOut) => &mut stats.timed_out,
            Err(JobError::Cancelled) => &mut stats.cancelled,
        } += 1;
    }
    stats
}

#[test]
fn jobs_that_need_each_other_run_at_the_same_time() {
    check(|| async {
        let pool = Pool::with_capacity(2, 2);
        let (to_second, from_first) = oneshot::channel();
        let (to_first, from_second) = oneshot::channel();
        let first = async move {
            to_second.send(()).unwrap();
            from_second.await.unwrap();
            Ok(())
        };
        let second = async move {
            to_first.send(()).unwrap();
            from_first.await.unwrap();
            Ok(())
        };
        // If both jobs are queued before a worker wakes up, the queue has sent only one
        // notification. The first worker then has to wake the second one.
        let first = pool.queue.put(first).await.unwrap();
        let second = pool.queue.put(second).await.unwrap();
        assert_eq!(first.await, Ok(()));
        assert_eq!(second.await, Ok(()));
        assert_eq!(pool.stop().await, Stats { ok: 2, ..Stats::default() });
    });
}

#[test]
fn submitters_that_wait_for_room_all_get_it() {
    check(|| async {
        let pool = Pool::with_capacity(2, 1);
        let results = results(start_submitters(2, &pool.queue)).await;
        assert_eq!(results.len(), 2 * KINDS.len());
        assert_eq!(pool.queue.stats(), tally(&results));
        assert_eq!(pool.stop().await, tally(&results));
    });
}

#[test]
fn stop_runs_the_accepted_jobs_and_refuses_the_others() {
    check(|| async {
        let pool = Pool::with_capacity(2, 1);
        let submitters = start_submitters(2, &pool.queue);
        pause().await;
        let stats = pool.stop().await;
        assert_eq!(stats.cancelled, 0);
        assert_eq!(stats, tally(&results(submitters).await));
    });
}

#[test]
fn abort_gives_every_handle_a_result_and_refuses_other_jobs() {
    check(|| async {
        let pool = Pool::with_capacity(2, 1);
        let submitters = start_submitters(2, &pool.queue);
        pause().await;
        let stats = pool.abort().await;
        assert_eq!(stats, tally(&results(submitters).await));
    });
}

#[test]
fn workers_that_end_early_leave_no_handle_waiting() {
    check(|| async {
        let pool = Pool::with_capacity(2, 1);
        let submitters = start_submitters(1, &pool.queue);
        // This is what happens if the runtime shuts down: the workers are dropped although nobody
        // has closed the queue.
        for worker in &pool.workers {
            worker.abort();
        }
        let results = results(submitters).await;
        for worker in pool.workers {
            let _ = worker.await;
        }
        assert_eq!(pool.queue.stats(), tally(&results));
    });
}

#[test]
fn close_wakes_every_worker_that_waits_for_a_job() {
    check(|| async {
        let queue = Arc::new(Queue::new(1));
        let take = |_| {
            let queue = Arc::clone(&queue);
            spawn(async move { queue.take().await.is_none() })
        };
        let takers: Vec<_> = (0..3).map(take).collect();
        queue.close();
        for taker in takers {
            assert!(taker.await.unwrap());
        }
    });
}

#[test]
fn close_refuses_submitters_that_wait_for_room() {
    check(|| async {
        let pool = Pool::with_capacity(1, 1);
        let release = pool.fill().await;
        let submitters = start_submitters(2, &pool.queue);
        pool.queue.close();
        // The worker is still busy, so the queue has no room yet.
        assert_eq!(results(submitters).await, []);
        release.send(()).unwrap();
        assert_eq!(pool.stop().await, Stats { ok: 2, ..Stats::default() });
    });
}

/// Starts a task that submits the job, and returns when that task waits for room.
async fn wait_for_room(
    queue: &Arc<Queue>,
    job: impl Future<Output = JobResult> + Send + 'static,
) -> JoinHandle<Result<JobHandle<()>, SubmitError>> {
    let queue = Arc::clone(queue);
    let (waits, is_waiting) = oneshot::channel();
    let submitter = spawn(async move {
        let mut put = pin!(queue.put(job));
        assert!(poll!(put.as_mut()).is_pending());
        waits.send(()).unwrap();
        put.await
    });
    is_waiting.await.unwrap();
    submitter
}

#[test]
fn room_is_granted_in_the_order_in_which_submitters_wait() {
    check(|| async {
        let pool = Pool::with_capacity(1, 1);
        let queue = &pool.queue;
        let ran = Arc::new(std::sync::Mutex::new(Vec::new()));
        let job = |number| {
            let ran = Arc::clone(&ran);
            async move {
                ran.lock().unwrap().push(number);
                Ok(())
            }
        };
        let release = pool.fill().await;
        let first = wait_for_room(queue, job(1)).await;
        let gives_up = wait_for_room(queue, job(2)).await;
        let third = wait_for_room(queue, job(3)).await;
        let does_not_wait = {
            let (queue, job) = (Arc::clone(queue), job(4));
            spawn(async move { queue.try_put(job) })
        };
        release.send(()).unwrap();
        // The second caller may get room before it gives up, but never before the first caller.
        gives_up.abort();
        first.await.unwrap().unwrap().await.unwrap();
        third.await.unwrap().unwrap().await.unwrap();
        if let Ok(handle) = does_not_wait.await.unwrap() {
            handle.await.unwrap();
        }
        let _ = gives_up.await;
        queue.join().await;
        let last = queue.try_put(job(5)).expect("the queue is empty and no submitter waits");
        last.await.unwrap();
        pool.stop().await;
        let ran = ran.lock().unwrap();
        assert!(ran.is_sorted() && ran.starts_with(&[1]) && ran.ends_with(&[5]), "{ran:?}");
    });
}

#[test]
fn join_waits_for_earlier_jobs_but_not_for_later_ones() {
    check(|| async {
        let pool = Pool::with_capacity(2, 1);
        let join_own_job = |queue: Arc<Queue>| async move {
            let done = Arc::new(AtomicBool::new(false));
            let set_done = Arc::clone(&done);
            let job = async move {
                yield_now().await;
                set_done.store(true, SeqCst);
                Ok(())
            };
            queue.put(job).await.unwrap();
            queue.join().await;
            assert!(done.load(SeqCst));
        };
        let queue = Arc::clone(&pool.queue);
        let other = spawn(join_own_job(Arc::clone(&queue)));
        join_own_job(Arc::clone(&queue)).await;
        let mut join = pin!(queue.join());
        let joined = poll!(join.as_mut()).is_ready();
        // This job ends only after the join has returned.
        let (release, released) = oneshot::channel();
        let later = async move { released.await.map_err(|_| JobError::Cancelled) };
        let later = queue.put(later).await.unwrap();
        if !joined {
            join.await;
        }
        release.send(()).unwrap();
        assert_eq!(later.await, Ok(()));
        other.await.unwrap();
        assert_eq!(pool.stop().await, Stats { ok: 3, ..Stats::default() });
    });
}
