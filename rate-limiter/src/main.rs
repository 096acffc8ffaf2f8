//! The program of lesson 6: prints the lines of its input, at most N in any window of time.
//!
//! Run with: `cargo run -p rate-limiter -- --limit 2 --per 1s Cargo.toml`

mod arguments;
mod demo;
mod duration;
mod naive;
mod pipe;
mod printable;
mod runtime;
mod signals;
mod size;
mod timeline;
mod tool;
mod usage;

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use clap::Parser;
use rate_limiter::{LimitError, RateLimiter};

use arguments::Arguments;
use naive::NaiveLimiter;
use pipe::is_closed_pipe;
use printable::printable;
use signals::run_until_signal;

fn main() {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| usage::report(&error));
    runtime::run("rate-limiter", run_until_signal("rate-limiter", run(arguments)));
}

/// Copies the file or runs the demonstration, and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    let outcome = match &arguments.file {
        Some(file) => pass(file, &arguments).await,
        None => demonstrate(&arguments).await,
    };
    match outcome {
        Ok(()) => 0,
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => report_failure(&error),
    }
}

async fn pass(file: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let rate = tool::Rate::new(arguments.limit, arguments.per, arguments.spread)?;
    tool::run(&rate, file, arguments).await
}

/// Runs the demonstration with our limiter, or with the naive one.
async fn demonstrate(arguments: &Arguments) -> anyhow::Result<()> {
    let (limit, window) = (arguments.limit, arguments.per);
    let limiter = &RateLimiter::new(limit, window)?;
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

/// Reports an error in one line on stderr, and returns the exit status. If stderr is closed, the
/// message is lost.
fn report_failure(error: &anyhow::Error) -> i32 {
    let _ = writeln!(io::stderr(), "rate-limiter: {}", printable(&format!("{error:#}")));
    if error.is::<LimitError>() { 2 } else { 1 }
}
