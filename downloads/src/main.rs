//! The program of lesson 5: downloads files concurrently, and leaves no file half written.
//!
//! Run with: `cargo run -p downloads -- http://127.0.0.1:8000/a.iso http://127.0.0.1:8000/b.iso`

mod demo;
mod duration;
mod pipe;
mod printable;
mod signals;
mod timeline;
mod tool;
mod usage;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use downloads::{Download, Options};
use reqwest::{Client, ClientBuilder};
use tokio::runtime::Builder;

use duration::duration;
use pipe::is_closed_pipe;
use signals::Signals;
use tool::complain;
use tool::plan::{self, Wanted};
use tool::progress::Format;

/// Downloads files concurrently. A file appears under its name when it is complete and checked, or
/// not at all. The next run resumes the downloads that this run could not finish.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  downloads                              a demonstration with a local server
  downloads https://example.org/a.iso https://example.org/b.iso
  downloads -d isos -j 8 --per-host 2 -i list.txt
  echo 'https://example.org/a.iso sha256:3a7b... disk.iso' | downloads -i -

Exit status: 0 all files saved or kept, 1 some failed, 2 usage error, 3 the disk is full,
130 interrupted."
)]
struct Arguments {
    /// The URLs to download. Without URLs, the program runs a demonstration in a temporary folder.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// A file with more URLs, one per line: `URL [sha256:HEX] [NAME]`. `-` is stdin.
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The folder to save the files in. It must exist.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// How many downloads may run at the same time.
    #[arg(short, long, default_value = "4", value_name = "N")]
    jobs: NonZeroUsize,
    /// How many downloads from the same host may run at the same time.
    #[arg(long, value_name = "N")]
    per_host: Option<NonZeroUsize>,
    /// How many times to retry a transient failure: no connection, a transfer that ends early, or
    /// the status 408, 429, 500, 502, 503 or 504.
    #[arg(long, default_value = "5", value_name = "N")]
    retries: usize,
    /// How long to wait for a connection, such as 500ms or 10s.
    #[arg(long, default_value = "10s", value_name = "D", value_parser = duration)]
    connect_timeout: Duration,
    /// How long the server may pause before it sends the next bytes.
    #[arg(long, default_value = "30s", value_name = "D", value_parser = duration)]
    stall_timeout: Duration,
    /// Replace files that already exist. Without this option, they are kept. A file whose name
    /// comes from the server is always kept.
    #[arg(long)]
    force: bool,
    /// Don't wait until files are on the disk. This is faster, but a power cut may damage the
    /// files.
    #[arg(long)]
    no_sync: bool,
    /// Compute the SHA-256 of every file, not only of those that have one in the list.
    #[arg(long)]
    sha256: bool,
    /// Print one JSON object per file: url, file, bytes, sha256, seconds, resumed_from, attempts,
    /// kept, error.
    #[arg(long)]
    json: bool,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["urls", "input"])]
    timeline_svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| usage::report(&error));
    // One thread is enough for all connections. Files are hashed and written on other threads.
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&anyhow!("cannot start: {error}; see `ulimit -a`"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => {
                complain(&error.into());
                return ExitCode::FAILURE;
            }
        };
        tokio::select! {
            signal = signals.next() => ExitCode::from(signal.exit_status() as u8),
            code = run(arguments) => code,
        }
    });
    // The threads that write need a moment to finish. A thread that looks up a host name may take
    // much longer and cannot be stopped, so we do not wait forever.
    runtime.shutdown_timeout(Duration::from_secs(5));
    code
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> ExitCode {
    match work(arguments).await {
        Ok(code) => code,
        // The reader has closed the pipe, as in `downloads ... | head -1`. That is not an error.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn work(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let options = Options {
        concurrency: arguments.jobs,
        per_host: arguments.per_host,
        retries: arguments.retries,
        replace: arguments.force,
        sync: !arguments.no_sync,
        hash: arguments.sha256,
    };
    if arguments.urls.is_empty() && arguments.input.is_none() {
        let timeline = demo::run(options).await?;
        if let Some(path) = arguments.timeline_svg {
            timeline.save_svg(&path).with_context(|| path.display().to_string())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let builder = || {
        downloads::client_builder()
            .connect_timeout(arguments.connect_timeout)
            .read_timeout(arguments.stall_timeout)
            .user_agent(concat!("downloads/", env!("CARGO_PKG_VERSION")))
    };
    let format = if arguments.json { Format::Json } else { Format::Lines };
    // Reading a list may block, and reading from a terminal may even block forever. We do not use
    // one of the runtime's threads, because the runtime waits for its threads when it shuts down.
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
    Ok(ExitCode::from(tool::run(&client, &plan, options, format, |_, _| {}).await?))
}

/// Builds a client with the CA certificates of this machine. Without certificates, the client can
/// only use plain HTTP. That is fine, unless one of the URLs is https.
fn client(plan: &[Download], builder: impl Fn() -> ClientBuilder) -> anyhow::Result<Client> {
    let is_https = |download: &Download| download.url.to_lowercase().starts_with("https:");
    let client = match builder().build() {
        Err(_) if !plan.iter().any(is_https) => builder().tls_certs_only([]).build(),
        result => result,
    };
    client.context("setting up TLS (are CA certificates installed?)")
}
