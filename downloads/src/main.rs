//! The program of exercise 1: downloads files side by side, none left half written.
//!
//! Run with: `cargo run -p downloads -- http://127.0.0.1:8000/a.iso http://127.0.0.1:8000/b.iso`

mod demo;
mod tool;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use reqwest::Client;
use tokio::runtime::Runtime;
use tool::complain;

/// Downloads files side by side. A file appears under its name when it is whole, or not at all.
#[derive(Parser)]
#[command(after_help = "Examples:
  downloads                              a demonstration on a server of its own
  downloads https://example.org/a.iso https://example.org/b.iso
  downloads -d isos -j 2 --force https://example.org/a.iso

Exit status: 0 all saved, 1 some failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// What to download. Without any, a demonstration in a temporary folder.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// The folder to save in. It must exist.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// How many downloads may run at once.
    #[arg(short, long, default_value = "4", value_name = "N")]
    jobs: NonZeroUsize,
    /// Replace files that are there already.
    #[arg(long)]
    force: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = Runtime::new()?;
    let code = runtime.block_on(async {
        tokio::select! {
            biased; // the handler stands before the work begins
            _ = tokio::signal::ctrl_c() => ExitCode::from(130),
            code = run(arguments) => code,
        }
    });
    // The threads that write need a moment to remove their part files. A thread that looks up a
    // name may need much longer, and nobody can stop it: so not for ever.
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(code)
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> ExitCode {
    match work(arguments).await {
        Ok(code) => code,
        // Nobody reads on (`downloads ... | head -1`): the end, not an error.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn work(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.urls.is_empty() {
        demo::run(arguments.jobs).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = match tool::plan(&arguments.urls, &arguments.directory, arguments.force) {
        Ok(plan) => plan,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(2));
        }
    };
    let client = client(&arguments.urls)?;
    let all_saved = tool::run(&client, &plan, arguments.jobs).await?;
    Ok(if all_saved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A client with the certificates of this machine. Where it has none, there is no https; plain HTTP
/// needs none.
fn client(urls: &[String]) -> anyhow::Result<Client> {
    let client = match downloads::client_builder().build() {
        Err(_) if !urls.iter().any(|url| url.to_lowercase().starts_with("https:")) => {
            downloads::client_builder().tls_certs_only([]).build()
        }
        result => result,
    };
    client.context("setting up TLS (are CA certificates installed?)")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
