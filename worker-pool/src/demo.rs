//! The demonstration, which runs if you pass no command: ten jobs of 0.5 s on three workers, and
//! one job that panics.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use worker_pool::{WorkerPool, current_worker};

use crate::timeline::Timeline;

const JOBS: u32 = 10;
const WORK: Duration = Duration::from_millis(500);

/// Runs the jobs, and prints each result with the worker that ran the job. Returns the timeline of
/// the run.
pub async fn run(pool: &WorkerPool) -> anyhow::Result<Arc<Timeline>> {
    let (start, workers) = (Instant::now(), pool.workers());
    let timeline = Arc::new(Timeline::start(&[('█', "a job"), ('×', "a job panics")]));
    for worker in 1..=workers {
        timeline.show(&format!("worker {worker}"), ' ');
    }
    let say =
        |at: Duration, text: String| writeln!(io::stdout(), "{:6.2} s  {text}", at.as_secs_f64());
    writeln!(io::stdout(), "{JOBS} jobs of {WORK:?} on {workers} workers:\n")?;

    let mut handles = Vec::new();
    for number in 1..=JOBS {
        let timeline = Arc::clone(&timeline);
        // If the queue is full, this waits: jobs are submitted no faster than the workers can run
        // them.
        let job = pool.submit(async move {
            let worker = current_worker().unwrap_or_default();
            let lane = format!("worker {worker}");
            timeline.show(&lane, '█');
            sleep(WORK).await;
            timeline.show(&lane, ' ');
            (number * number, worker, start.elapsed())
        });
        handles.push((number, job.await?));
    }
    for (number, handle) in handles {
        let (square, worker, at) = handle.await?;
        say(at, format!("job {number:>2} returns {square:>3}, run by worker {worker}"))?;
    }

    std::panic::set_hook(Box::new(|_| {})); // the next panic is on purpose, so it needs no message
    let lanes = Arc::clone(&timeline);
    let bug = async move {
        let worker = current_worker().unwrap_or_default();
        lanes.mark(&format!("worker {worker}"), '×');
        panic!("a bug in job 11")
    };
    let result: Result<(), _> = pool.submit(bug).await?.await;
    let _ = std::panic::take_hook();
    if let Err(error) = result {
        say(start.elapsed(), format!("job 11: {error}"))?;
    }
    // Ask every worker for its number, to check that no worker has died.
    let numbers = pool.map(0..workers, |_| async {
        sleep(Duration::from_millis(50)).await;
        current_worker()
    });
    let alive: BTreeSet<_> = numbers.await.into_iter().flatten().flatten().collect();
    say(start.elapsed(), format!("workers still running: {alive:?}"))?;
    pool.stop().await;
    let in_turn = (WORK * JOBS).as_secs_f64();
    writeln!(
        io::stdout(),
        "\n{}\nOne after another, the {JOBS} jobs would have taken {in_turn:.1} s.",
        timeline.text()
    )?;
    Ok(timeline)
}
