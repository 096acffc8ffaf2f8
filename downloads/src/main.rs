//! The program of lesson 5: downloads files concurrently, and leaves no file half written.
//!
//! Run with: `cargo run -p downloads -- http://127.0.0.1:8000/a.iso http://127.0.0.1:8000/b.iso`

mod client;
mod demo;
mod duration;
mod pipe;
mod printable;
mod signals;
mod size;
mod timeline;
mod tool;
mod usage;

use std::num::{NonZeroU64, NonZeroUsize};
use std::panic;
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use clap::Parser;
use downloads::{Download, MinSpeed, Options, names};
use reqwest::Client;
use tokio::runtime::Builder;

use client::ClientArguments;
use duration::duration;
use pipe::is_closed_pipe;
use signals::Signals;
use size::size;
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
  downloads -o debian.iso https://example.org/current.iso
  downloads -d isos -j 8 --per-host 2 -i list.txt
  echo 'https://example.org/a.iso sha256:3a7b... disk.iso' | downloads -i -

The variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY choose an HTTP proxy.

Exit status: 0 all files saved or kept, 1 some failed or were skipped, 2 usage error, 3 the disk is
full, 129, 130, 131 or 143 after a signal."
)]
struct Arguments {
    /// The URLs to download. Without URLs, the program runs a demonstration in a temporary folder.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// A file with more URLs, one per line: `URL [sha256:HEX] [NAME]`. `-` is stdin.
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Skip the invalid lines of a list, instead of reporting them and doing nothing.
    #[arg(long, requires = "input")]
    skip_bad: bool,
    /// The name to save the file under. Works with a single URL.
    #[arg(short, long, value_name = "NAME", conflicts_with = "input", requires = "urls")]
    output: Option<String>,
    /// The folder to save the files in. It must exist.
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    /// How many downloads may run at the same time.
    #[arg(short, long, default_value = "4", value_name = "N")]
    jobs: NonZeroUsize,
    /// How many downloads from the same host may run at the same time.
    #[arg(long, value_name = "N")]
    per_host: Option<NonZeroUsize>,
    /// How many times in a row to retry a transient failure: no connection, a transfer that ends
    /// early or stalls, or the status 408, 429, 500, 502, 503 or 504. Received bytes that can be
    /// kept start a new count.
    #[arg(long, default_value = "5", value_name = "N")]
    retries: usize,
    /// How long to wait for a connection, such as 500ms or 10s.
    #[arg(long, default_value = "10s", value_name = "D", value_parser = duration)]
    connect_timeout: Duration,
    /// How long the server may pause before it sends the next bytes.
    #[arg(long, default_value = "30s", value_name = "D", value_parser = duration)]
    stall_timeout: Duration,
    /// The speed below which a transfer counts as stalled, in bytes per second, measured over the
    /// stall timeout. 0 allows any speed.
    #[arg(long, default_value = "1K", value_name = "SIZE", value_parser = size_or_zero)]
    min_speed: u64,
    /// How many bytes per second to receive, all downloads together, such as 500K or 2M.
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    limit_rate: Option<NonZeroU64>,
    #[command(flatten)]
    client: ClientArguments,
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
    // Tokio panics if it cannot start a thread, or if there are too few open files for its signal
    // handler. Partial files stay as they are, and the next run continues.
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a panic");
        complain(&anyhow!("cannot continue: {message}; see `ulimit -a`"));
        exit(1);
    }));
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
        min_speed: MinSpeed {
            bytes_per_second: arguments.min_speed,
            over: arguments.stall_timeout,
        },
        limit_rate: arguments.limit_rate,
        headers: arguments.client.headers(),
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
    let format = if arguments.json { Format::Json } else { Format::Lines };
    let skip_bad = arguments.skip_bad;
    // Reading a list may block, and reading from a terminal may even block forever. We do not use
    // one of the runtime's threads, because the runtime waits for its threads when it shuts down.
    let (prepared, ready) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().spawn(move || prepared.send(prepare(arguments)));
    thread.context("cannot start a thread (see `ulimit -a`)")?;
    let (plan, errors, client) = match ready.await? {
        Ok(ready) => ready,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(2));
        }
    };
    for error in &errors {
        complain(error);
    }
    if !errors.is_empty() && !skip_bad {
        return Ok(ExitCode::from(2));
    }
    let code = tool::run(&client, &plan, options, format, |_, _| {}).await;
    let code = code.context("cannot write to stdout")?;
    Ok(ExitCode::from(if errors.is_empty() { code } else { code.max(1) }))
}

/// Reads the list, plans the downloads and builds the client. Also returns an error for each URL or
/// line that is not valid.
fn prepare(arguments: Arguments) -> anyhow::Result<(Vec<Download>, Vec<anyhow::Error>, Client)> {
    let Arguments { urls, input, output, directory, .. } = &arguments;
    let mut wanted: Vec<_> = urls.iter().cloned().map(Wanted::from).collect();
    if let Some(name) = output {
        ensure!(wanted.len() == 1, "--output names a single file, but there are several URLs");
        ensure!(name != "-", "--output -: this program saves files and cannot write to stdout");
        let is_file_name = PathBuf::from(name).file_name().is_some() && !name.ends_with('/');
        ensure!(is_file_name, "--output {name}: not the name of a file");
        let file =
            PathBuf::from(name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        ensure!(!names::is_part(&file), "--output {name}: this name is for partial files");
        let longest = names::LONGEST;
        ensure!(file.len() <= longest, "--output: a name must not have more than {longest} bytes");
        wanted[0].name = Some(name.clone());
    }
    let mut wanted: Vec<_> = wanted.into_iter().map(Ok).collect();
    if let Some(list) = input {
        wanted.extend(plan::parse_list(&list.display().to_string(), &plan::read_list(list)?));
    }
    let (mut plan, mut errors) = (Vec::new(), Vec::new());
    for planned in plan::plan(wanted, directory) {
        match planned {
            Ok(download) => plan.push(download),
            Err(error) => errors.push(error),
        }
    }
    plan::check_folders(&plan, arguments.force)?;
    let builder = || {
        downloads::client_builder()
            .connect_timeout(arguments.connect_timeout)
            .user_agent(concat!("downloads/", env!("CARGO_PKG_VERSION")))
    };
    let is_https = |download: &Download| download.url.to_lowercase().starts_with("https:");
    let client = arguments.client.build(builder, plan.iter().any(is_https))?;
    Ok((plan, errors, client))
}

/// Parses a speed, of which 0 is one.
fn size_or_zero(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { size(text) }
}

/// Parses a speed that is greater than zero.
fn rate(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(size(text)?).ok_or_else(|| "the size must be greater than zero".into())
}
