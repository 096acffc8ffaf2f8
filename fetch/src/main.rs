//! The program of lesson 2: gets URLs side by side and prints a line for each.
//!
//! Run with: `cargo run -p fetch -- http://127.0.0.1:8000/ http://127.0.0.1:8000/other`

mod demo;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use futures_util::{StreamExt, pin_mut};

/// Gets URLs side by side; prints status, bytes, seconds and URL of each, in the order given.
#[derive(Parser)]
#[command(after_help = "Examples:
  fetch                                  a demonstration on a server of its own
  fetch https://example.org https://example.net/missing
  fetch --body -c 4 http://127.0.0.1:8000/a http://127.0.0.1:8000/b

Exit status: 0 all fetched, 1 some failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// What to get. Without any, a demonstration on a loopback server.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// How many requests may be in flight at once.
    #[arg(short, long, default_value = "32", value_name = "N")]
    concurrency: NonZeroUsize,
    /// Print the bodies instead of a line for each.
    #[arg(long)]
    body: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::select! {
        outcome = run(arguments) => outcome,
        _ = tokio::signal::ctrl_c() => return ExitCode::from(130),
    };
    match outcome {
        Ok(code) => code,
        // Nobody reads on (`fetch ... | head -1`): the end, not an error.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fetch: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.urls.is_empty() {
        demo::run(arguments.concurrency).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = fetch::client_builder()
        .build()
        .context("setting up TLS (are CA certificates installed?)")?;
    let results = fetch::fetch_all(&client, arguments.urls, arguments.concurrency);
    pin_mut!(results);
    let mut failed = false;
    while let Some(result) = results.next().await {
        match result {
            Ok(page) if arguments.body => {
                io::stdout().write_all(page.body.as_bytes())?;
            }
            Ok(page) => print_line(&format!(
                "{} {:>9} {:>8.3} {}",
                page.status.as_u16(),
                page.body.len(),
                page.elapsed.as_secs_f64(),
                page.url
            ))?,
            Err(error) => {
                failed = true;
                eprintln!("fetch: {:#}", anyhow::Error::new(error));
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print_line(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
