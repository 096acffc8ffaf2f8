//! The scene without a command: ten jobs of 0.5 s on three workers, and one that panics.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use worker_pool::{WorkerPool, current_worker};

const JOBS: u32 = 10;
const WORK: Duration = Duration::from_millis(500);

/// Runs the jobs and prints each result with its worker.
pub async fn run(pool: &WorkerPool) -> anyhow::Result<()> {
    let (start, workers) = (Instant::now(), pool.workers());
    let say =
        |at: Duration, text: String| writeln!(io::stdout(), "{:6.2} s  {text}", at.as_secs_f64());
    writeln!(io::stdout(), "{JOBS} jobs of {WORK:?} on {workers} workers:\n")?;

    let mut handles = Vec::new();
    for number in 1..=JOBS {
        // Waits where the queue is full: jobs are made no faster than they are worked off.
        let job = pool.submit(async move {
            sleep(WORK).await;
            (number * number, current_worker().unwrap_or_default(), start.elapsed())
        });
        handles.push((number, job.await?));
    }
    for (number, handle) in handles {
        let (square, worker, at) = handle.await?;
        say(at, format!("job {number:>2} gives {square:>3}, by worker {worker}"))?;
    }

    std::panic::set_hook(Box::new(|_| {})); // the next is on purpose: no message
    let bug = pool.submit(async { panic!("a bug in job 11") }).await?;
    let result: Result<(), _> = bug.await;
    let _ = std::panic::take_hook();
    if let Err(error) = result {
        say(start.elapsed(), format!("job 11: {error}"))?;
    }
    // The workers that are left, by what they say of themselves.
    let numbers = pool.map(0..workers, |_| async {
        sleep(Duration::from_millis(50)).await;
        current_worker()
    });
    let alive: BTreeSet<_> = numbers.await.into_iter().flatten().flatten().collect();
    say(start.elapsed(), format!("workers still at work: {alive:?}"))?;
    pool.stop().await;
    let apart = (WORK * JOBS).as_secs_f64();
    writeln!(io::stdout(), "\nOne after another, the {JOBS} jobs would have taken {apart:.1} s.")?;
    Ok(())
}
