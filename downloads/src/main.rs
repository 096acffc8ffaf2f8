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
use downloads::{Download, Options};
use reqwest::{Client, ClientBuilder};
use tokio::runtime::Builder;

use tool::complain;
use tool::plan::{self, Wanted};
use tool::progress::Format;

/// Downloads files side by side. A file appears under its name when it is whole and checked, or not at
/// all; what was begun is gone on with, also by the next run.
#[derive(Parser)]
#[command(after_help = "Examples:
  downloads                              a demonstration on a server of its own
  downloads https://example.org/a.iso https://example.org/b.iso
  downloads -d isos -j 8 --per-host 2 -i list.txt
  echo 'https://example.org/a.iso sha256:3a7b... disk.iso' | downloads -i -

Exit status: 0 all saved or there already, 1 some failed, 2 wrong call, 3 the disk is full,
130 interrupted.")]
struct Arguments {
    /// What to download. Without any, a demonstration in a temporary folder.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// A list of more, one a line: `URL [sha256:HEX] [NAME]`; `-` is stdin.
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The folder to save in. It must exist.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// How many downloads may run at once.
    #[arg(short, long, default_value = "4", value_name = "N")]
    jobs: NonZeroUsize,
    /// How many of them may be from one host.
    #[arg(long, value_name = "N")]
    per_host: Option<NonZeroUsize>,
    /// How often to retry a transient failure: no connection, a transfer that ends early, or the status
    /// 408, 429, 500, 502, 503 or 504.
    #[arg(long, default_value = "5", value_name = "N")]
    retries: usize,
    /// How long connecting may take.
    #[arg(long, default_value = "10s", value_name = "D", value_parser = duration)]
    connect_timeout: Duration,
    /// How long a transfer may stand still.
    #[arg(long, default_value = "30s", value_name = "D", value_parser = duration)]
    stall_timeout: Duration,
    /// Replace files that are there already. Without this they are kept, as is always one whose name
    /// the server has given.
    #[arg(long)]
    force: bool,
    /// Do not wait until files are on the disk: faster, and a power cut may harm them.
    #[arg(long)]
    no_sync: bool,
    /// Print a JSON object for each file.
    #[arg(long)]
    json: bool,
}

/// A duration such as `500ms` or `2m`, and not none at all.
fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("no time at all".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    // One thread for all connections. What takes time, hashing and writing, has threads of its own.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(async {
        tokio::select! {
            biased; // the handler stands before the work begins
            _ = tokio::signal::ctrl_c() => ExitCode::from(130),
            code = run(arguments) => code,
        }
    });
    // The threads that write need a moment to write what they have got. A thread that looks up a
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
    let options = Options {
        at_once: arguments.jobs,
        per_host: arguments.per_host,
        retries: arguments.retries,
        replace: arguments.force,
        sync: !arguments.no_sync,
    };
    if arguments.urls.is_empty() && arguments.input.is_none() {
        demo::run(options).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let builder = || {
        downloads::client_builder()
            .connect_timeout(arguments.connect_timeout)
            .read_timeout(arguments.stall_timeout)
            .user_agent(concat!("downloads/", env!("CARGO_PKG_VERSION")))
    };
    let format = if arguments.json { Format::Json } else { Format::Lines };
    // Reading a list may block, from a terminal even for ever: so on no thread of the runtime, which
    // would wait for it at its end.
    let Arguments { urls, input, directory, .. } = arguments;
    let (planned, plan) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut wanted: Vec<_> = urls.into_iter().map(Wanted::from).collect();
        let listed = input.map_or(Ok(Vec::new()), |list| plan::read_list(&list));
        let plan = listed.and_then(|listed| {
            wanted.extend(listed);
            plan::plan(wanted, &directory)
        });
        planned.send(plan)
    });
    let plan = match plan.await? {
        Ok(plan) => plan,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(2));
        }
    };
    let client = client(&plan, builder)?;
    Ok(ExitCode::from(tool::run(&client, &plan, options, format).await?))
}

/// A client with the certificates of this machine. Where it has none, there is no https; plain HTTP
/// needs none.
fn client(plan: &[Download], builder: impl Fn() -> ClientBuilder) -> anyhow::Result<Client> {
    let is_https = |download: &Download| download.url.to_lowercase().starts_with("https:");
    let client = match builder().build() {
        Err(_) if !plan.iter().any(is_https) => builder().tls_certs_only([]).build(),
        result => result,
    };
    client.context("setting up TLS (are CA certificates installed?)")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
