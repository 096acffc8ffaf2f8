//! The program of exercise 3: runs a command for every line of stdin, so many at a time.
//!
//! Run with: `ls | cargo run -p worker-pool -- -w 4 -- wc -l`

mod demo;
mod tool;

use std::io::{self, Write};
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::signal::ctrl_c;
use tokio_util::sync::CancellationToken;
use tool::{Outcome, Request};
use worker_pool::WorkerPool;

/// Runs a command for every line of stdin, a number of them at a time.
///
/// Ctrl-C takes no more lines and waits for the commands that run; a second Ctrl-C kills them.
#[derive(Parser)]
#[command(after_help = "Examples:
  worker-pool                            a demonstration: ten jobs on three workers
  ls *.png | worker-pool -w 4 -- optipng
  seq 10 | worker-pool --keep-order -- sh -c 'echo {} squared is $(({} * {}))'

Exit status: 0 all succeeded, 1 some failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// How many commands may run at once.
    #[arg(short, long, default_value = "3", value_name = "N")]
    workers: u16,
    /// Kill a command that runs for longer, such as 500ms or 2m.
    #[arg(long, requires = "command", value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Print the output of the commands in the order of the lines.
    #[arg(long, requires = "command")]
    keep_order: bool,
    /// What to run: {} stands for the line; without a {} it is added as the last argument.
    /// Without a command, a demonstration.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[tokio::main]
async fn main() {
    let Arguments { workers, timeout, keep_order, command } = Arguments::parse();
    let pool = match WorkerPool::new(workers.into()) {
        Ok(pool) => Arc::new(pool),
        Err(error) => {
            complain(&error.into());
            exit(2);
        }
    };
    let drain = CancellationToken::new();
    let request = (!command.is_empty()).then_some(Request { command, timeout, keep_order });
    let mut work = {
        let (pool, drain) = (Arc::clone(&pool), drain.clone());
        std::pin::pin!(async move { tokio::spawn(run(pool, request, drain)).await.unwrap_or(101) })
    };
    let code = tokio::select! {
        biased; // the handler stands before the work begins
        _ = ctrl_c() => {
            drain.cancel();
            tokio::select! {
                biased;
                // Returns when every command that ran has been killed.
                _ = ctrl_c() => pool.abort().await,
                _ = &mut work => {}
            }
            130
        }
        code = &mut work => code,
    };
    // Not a plain return: the runtime would wait for a thread that waits for somebody to read.
    exit(code);
}

/// Does the work and returns the exit status.
async fn run(pool: Arc<WorkerPool>, request: Option<Request>, drain: CancellationToken) -> i32 {
    let outcome = match request {
        None => tokio::select! {
            outcome = demo::run(&pool) => outcome.map(|()| Outcome::AllDone),
            () = drain.cancelled() => Ok(Outcome::AllDone),
        },
        Some(request) => tool::run(Arc::clone(&pool), request, drain).await,
    };
    pool.abort().await;
    match outcome {
        Ok(Outcome::AllDone) => 0,
        Ok(Outcome::SomeFailed) => 1,
        Ok(Outcome::CannotStart(why)) => {
            complain(&anyhow::anyhow!(why));
            2
        }
        // Nobody reads on (`worker-pool ... | head -1`): the end, not an error.
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

/// Says on stderr what went wrong, in one line; nothing where stderr is closed, too.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "worker-pool: {error:#}");
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
