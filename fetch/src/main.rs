//! The program of lesson 2: gets URLs side by side and prints a line for each.
//!
//! Run with: `cargo run -p fetch -- http://127.0.0.1:8000/ http://127.0.0.1:8000/other`

mod demo;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::exit;

use anyhow::Context;
use clap::Parser;
use futures_util::{StreamExt, pin_mut};
use reqwest::Client;
use tokio::task::block_in_place;

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
    #[arg(long, requires = "urls")]
    body: bool,
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
    // that looks up a name.
    exit(code);
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    match work(arguments).await {
        Ok(true) => 0,
        Ok(false) => 1,
        // Nobody reads on (`fetch ... | head -1`): the end, not an error.
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

/// Does the work and returns whether all of it succeeded.
async fn work(arguments: Arguments) -> anyhow::Result<bool> {
    if arguments.urls.is_empty() {
        demo::run(arguments.concurrency).await?;
        return Ok(true);
    }
    let client = client(&arguments.urls)?;
    let results = fetch::fetch_all(&client, arguments.urls, arguments.concurrency);
    pin_mut!(results);
    let mut failed = false;
    while let Some(result) = results.next().await {
        match result {
            Ok(page) if arguments.body => {
                block_in_place(|| io::stdout().write_all(&page.body))?;
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
                complain(&error.into());
            }
        }
    }
    Ok(!failed)
}

fn print_line(line: &str) -> io::Result<()> {
    // To a pipe that nobody empties this may block; the runtime then needs another thread for its
    // other work, Ctrl-C among it.
    block_in_place(|| writeln!(io::stdout(), "{line}"))
}

/// A client with the certificates of this machine. Where it has none, there is no https; plain HTTP
/// needs none.
fn client(urls: &[String]) -> anyhow::Result<Client> {
    let client = match fetch::client_builder().build() {
        Err(_) if !urls.iter().any(|url| url.to_lowercase().starts_with("https:")) => {
            fetch::client_builder().tls_certs_only([]).build()
        }
        result => result,
    };
    client.context("setting up TLS (are CA certificates installed?)")
}

/// Says on stderr what went wrong, in one line; nothing where stderr is closed, too.
fn complain(error: &anyhow::Error) {
    let _ = block_in_place(|| writeln!(io::stderr(), "fetch: {error:#}"));
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
