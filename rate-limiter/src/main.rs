//! The program of lesson 6: prints the lines of its input, at most N in any window of time.
//!
//! Run with: `cargo run -p rate-limiter -- --limit 2 --per 1s Cargo.toml`

mod demo;
mod naive;
mod pipe;
mod timeline;
mod tool;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use rate_limiter::RateLimiter;

use naive::NaiveLimiter;
use pipe::is_closed_pipe;

/// Prints the lines of a file or a pipe, at most N in any window of time.
#[derive(Parser)]
#[command(after_help = "Examples:
  rate-limiter                           a demonstration: ten requests, 3 per second
  rate-limiter --naive                   the demonstration, with a limiter as people usually write it
  rate-limiter --limit 100 --per 1m urls.txt | xargs -n 1 curl -O
  tail -f log | rate-limiter --limit 5 --per 1s -

Exit status: 0 done, 1 failed, 2 usage error, 130 interrupted.")]
struct Arguments {
    /// The file to read, or `-` for stdin. Without a file, the program runs a demonstration.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The maximum number of lines in any window.
    #[arg(long, default_value = "3", value_name = "N")]
    limit: usize,
    /// The length of the window, such as 200ms, 1s or 2m.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = humantime::parse_duration)]
    per: Duration,
    /// Run the demonstration with a limiter as people usually write it, and see how far it exceeds
    /// the limit.
    #[arg(long, conflicts_with = "file")]
    naive: bool,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "file")]
    timeline_svg: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let code = tokio::select! {
        biased; // install the Ctrl-C handler before the work begins
        _ = tokio::signal::ctrl_c() => 130,
        // The work runs in its own task, so that a blocked write cannot delay Ctrl-C.
        code = async { tokio::spawn(run(arguments)).await } => code.unwrap_or(101),
    };
    // If we just returned, the runtime would wait for threads that cannot be stopped, such as a
    // thread that waits for a line from stdin.
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
    let outcome = match &arguments.file {
        Some(file) => tool::run(&limiter, file).await,
        None => demonstrate(&limiter, &arguments).await,
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

/// Runs the demonstration with our limiter, or with the naive one.
async fn demonstrate(limiter: &RateLimiter, arguments: &Arguments) -> anyhow::Result<()> {
    let (limit, window) = (arguments.limit, arguments.per);
    let timeline = if arguments.naive {
        let naive = NaiveLimiter::new(limit, window);
        demo::run(|| naive.acquire(), limit, window).await?
    } else {
        demo::run(|| async { limiter.acquire().await.at }, limit, window).await?
    };
    match &arguments.timeline_svg {
        Some(path) => timeline.save_svg(path).with_context(|| path.display().to_string()),
        None => Ok(()),
    }
}

/// Reports an error in one line on stderr. If stderr is closed, the message is lost.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "rate-limiter: {error:#}");
}
