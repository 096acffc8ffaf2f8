//! The program of exercise 2: passes lines on, never more than N in any window.
//!
//! Run with: `cargo run -p rate-limiter -- --limit 2 --per 1s Cargo.toml`

mod demo;
mod naive;
mod tool;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use clap::Parser;
use naive::NaiveLimiter;
use rate_limiter::RateLimiter;

/// Passes the lines of a file or a pipe on, never more than N in any window of time.
#[derive(Parser)]
#[command(after_help = "Examples:
  rate-limiter                           a demonstration: ten requests, 3 per second
  rate-limiter --naive                   the same, with the limiter as it is usually written
  rate-limiter --limit 100 --per 1m urls.txt | xargs -n 1 curl -O
  tail -f log | rate-limiter --limit 5 --per 1s -

Exit status: 0 done, 1 failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// A file of lines, or - for stdin. Without it, a demonstration.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// How many lines may pass in any window.
    #[arg(long, default_value = "3", value_name = "N")]
    limit: usize,
    /// The window, such as 200ms, 1s or 2m.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = humantime::parse_duration)]
    per: Duration,
    /// Play the demonstration with the limiter as it is usually written, and see how far it goes
    /// over.
    #[arg(long, conflicts_with = "file")]
    naive: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let code = tokio::select! {
        biased; // the handler stands before the work begins
        _ = tokio::signal::ctrl_c() => 130,
        // In a task of its own, where a write to a full pipe does not keep Ctrl-C waiting.
        code = async { tokio::spawn(run(arguments)).await } => code.unwrap_or(101),
    };
    // Not a plain return: the runtime would wait for threads that nobody can stop, such as one
    // that waits for a line from stdin.
    exit(code);
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    let limiter = match RateLimiter::new(arguments.limit, arguments.per) {
        Ok(limiter) => limiter,
        Err(error) => {
            complain(&error.into());
            return 2;
        }
    };
    let outcome = match arguments.file {
        Some(file) => tool::run(&limiter, &file).await,
        None if arguments.naive => {
            let naive = NaiveLimiter::new(arguments.limit, arguments.per);
            demo::run(|| naive.acquire(), arguments.limit, arguments.per).await
        }
        None => {
            demo::run(|| async { limiter.acquire().await.at }, arguments.limit, arguments.per).await
        }
    };
    match outcome {
        Ok(()) => 0,
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

/// Says on stderr what went wrong, in one line; nothing where stderr is closed, too.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "rate-limiter: {error:#}");
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
