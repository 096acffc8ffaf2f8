//! The program of lesson 7: runs a command for every line of stdin, a few commands at a time.
//!
//! Run with: `ls | cargo run -p worker-pool -- -w 4 -- wc -l`

mod demo;
mod pipe;
mod timeline;
mod tool;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tokio::signal::ctrl_c;
use tokio_util::sync::CancellationToken;
use worker_pool::WorkerPool;

use pipe::is_closed_pipe;
use tool::{Outcome, Request};

/// Runs a command for every line of stdin, several commands at a time.
///
/// After Ctrl-C, the program reads no more lines and waits for the running commands. A second
/// Ctrl-C kills them.
#[derive(Parser)]
#[command(after_help = "Examples:
  worker-pool                            a demonstration: ten jobs on three workers
  ls *.png | worker-pool -w 4 -- optipng
  seq 10 | worker-pool --keep-order -- sh -c 'echo {} squared is $(({} * {}))'

Exit status: 0 all succeeded, 1 some failed, 2 usage error, 130 interrupted.")]
struct Arguments {
    /// How many commands may run at the same time.
    #[arg(short, long, default_value = "3", value_name = "N")]
    workers: u16,
    /// Kill a command that runs for longer than this, such as 500ms or 2m.
    #[arg(long, requires = "command", value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Print the output of the commands in the order of the lines.
    #[arg(long, requires = "command")]
    keep_order: bool,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "command")]
    timeline_svg: Option<PathBuf>,
    /// The command to run. The line replaces each {}; without a {}, the line becomes the last
    /// argument. Without a command, the program runs a demonstration.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[tokio::main]
async fn main() {
    let Arguments { workers, timeout, keep_order, timeline_svg, command } = Arguments::parse();
    let pool = match WorkerPool::new(workers.into()) {
        Ok(pool) => Arc::new(pool),
        Err(error) => {
            complain(&error.into());
            exit(2);
        }
    };
    let drain = CancellationToken::new();
    let task = match command.is_empty() {
        true => Task::Demo { timeline_svg },
        false => Task::Commands(Request { command, timeout, keep_order }),
    };
    let mut work = {
        let (pool, drain) = (Arc::clone(&pool), drain.clone());
        std::pin::pin!(async move { tokio::spawn(run(pool, task, drain)).await.unwrap_or(101) })
    };
    let code = tokio::select! {
        biased; // install the Ctrl-C handler before the work begins
        _ = ctrl_c() => {
            drain.cancel();
            tokio::select! {
                biased;
                // This returns when all running commands have been killed.
                _ = ctrl_c() => pool.abort().await,
                _ = &mut work => {}
            }
            130
        }
        code = &mut work => code,
    };
    // If we just returned, the runtime would wait for its threads, and one of these may be blocked
    // in a write to a pipe that nobody reads.
    exit(code);
}

/// The work that the user has asked for.
enum Task {
    Demo { timeline_svg: Option<PathBuf> },
    Commands(Request),
}

/// Does the work and returns the exit status.
async fn run(pool: Arc<WorkerPool>, task: Task, drain: CancellationToken) -> i32 {
    let outcome = match task {
        Task::Demo { timeline_svg } => tokio::select! {
            outcome = demonstrate(&pool, timeline_svg) => outcome.map(|()| Outcome::AllDone),
            () = drain.cancelled() => Ok(Outcome::AllDone),
        },
        Task::Commands(request) => tool::run(Arc::clone(&pool), request, drain).await,
    };
    pool.abort().await;
    match outcome {
        Ok(Outcome::AllDone) => 0,
        Ok(Outcome::SomeFailed) => 1,
        Ok(Outcome::CannotStart(why)) => {
            complain(&anyhow::anyhow!(why));
            2
        }
        // The reader has closed the pipe, as in `worker-pool ... | head -1`. That is not an error.
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

async fn demonstrate(pool: &WorkerPool, timeline_svg: Option<PathBuf>) -> anyhow::Result<()> {
    let timeline = demo::run(pool).await?;
    match timeline_svg {
        Some(path) => timeline.save_svg(&path).with_context(|| path.display().to_string()),
        None => Ok(()),
    }
}

/// Reports an error in one line on stderr. If stderr is closed, the message is lost.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "worker-pool: {error:#}");
}
