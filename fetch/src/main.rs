//! The program of lesson 2: fetches URLs concurrently and prints a line for each one.
//!
//! Run with: `cargo run -p fetch -- http://127.0.0.1:8000/ http://127.0.0.1:8000/other`

mod client;
mod demo;
mod duration;
mod printable;
mod runtime;
mod signals;
mod timeline;
mod tool;
mod usage;

use std::future::ready;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytesize::ByteSize;
use clap::Parser;
use fetch::{FetchError, Options};
use futures_util::StreamExt;
use reqwest::ClientBuilder;

use client::ClientArguments;
use duration::duration;
use printable::printable;
use signals::run_until_signal;
use tool::input;
use tool::output::{Format, Summary};
use tool::printer::{Printer, Text};

/// Fetches URLs concurrently, and prints one line for each, in the order given: the status, the
/// number of bytes, the seconds and the URL.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  fetch                                  run a demonstration with a local server
  fetch https://example.org example.net/missing
  fetch --body -c 4 http://127.0.0.1:8000/a http://127.0.0.1:8000/b
  fetch --json --retries 5 - <urls.txt | jq .status

Results are printed in the order of the URLs. If one URL is slow, up to 4 * --concurrency results
wait behind it. With --body, these results keep their bodies, which take at most --buffer plus
--max-size bytes. Up to three more bodies wait to be printed.

The variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY choose an HTTP proxy.

Exit status: 0 all URLs fetched, 1 a URL failed, 2 usage error, 129, 130, 131 or 143
after a signal."
)]
struct Arguments {
    /// The URLs to fetch. `-` reads URLs from stdin, one per line. A bare host, such as
    /// `example.org`, stands for `https://example.org`. Without URLs, the program runs a
    /// demonstration on a server that it starts.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// How many requests may be in flight at the same time.
    #[arg(short, long, default_value = "32", value_name = "N")]
    concurrency: NonZeroUsize,
    /// How many requests to the same host may be in flight at the same time.
    #[arg(long, value_name = "N")]
    per_host: Option<NonZeroUsize>,
    /// How long to wait for a connection, such as 500ms or 5s.
    #[arg(long, default_value = "5s", value_name = "D", value_parser = duration)]
    connect_timeout: Duration,
    /// How long to wait for the next bytes from the server. For the first bytes, this time includes
    /// connecting.
    #[arg(long, default_value = "15s", value_name = "D", value_parser = duration)]
    read_timeout: Duration,
    /// How long one attempt may take in total.
    #[arg(long, default_value = "1m", value_name = "D", value_parser = duration)]
    timeout: Duration,
    /// How many times to retry a transient failure: a failed connection, an incomplete response, a
    /// timeout, or the status 429, 500, 502, 503 or 504.
    #[arg(long, default_value = "2", value_name = "N")]
    retries: usize,
    /// The largest body to accept, after decompression.
    #[arg(long, default_value = "10MiB", value_name = "SIZE")]
    max_size: ByteSize,
    /// How many bytes of bodies may wait for earlier results to be printed, with --body.
    #[arg(long, default_value = "64MiB", value_name = "SIZE")]
    buffer: ByteSize,
    /// Print the bodies instead of a line for each URL.
    #[arg(long, requires = "urls", conflicts_with = "json")]
    body: bool,
    /// Print one JSON object per line for each URL, with the fields url, status, bytes, ms,
    /// attempts and error.
    #[arg(long, requires = "urls")]
    json: bool,
    #[command(flatten)]
    client: ClientArguments,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "urls")]
    timeline_svg: Option<PathBuf>,
}

impl Arguments {
    fn options(&self) -> Options {
        Options {
            concurrency: self.concurrency,
            read_timeout: self.read_timeout,
            timeout: self.timeout,
            retries: self.retries,
            max_size: self.max_size.as_u64(),
            per_host: self.per_host,
            buffer: self.buffer.as_u64(),
            keep_bodies: self.body || self.urls.is_empty(),
            headers: self.client.headers(),
            on_retry: io::stderr().is_terminal().then_some(say_retry as fn(&_, &_, _)),
        }
    }

    fn format(&self) -> Format {
        match (self.body, self.json) {
            (true, _) => Format::Bodies,
            (_, true) => Format::Json,
            _ => Format::Lines,
        }
    }

    fn client_builder(&self) -> ClientBuilder {
        fetch::client_builder()
            .connect_timeout(self.connect_timeout)
            .user_agent(concat!("fetch/", env!("CARGO_PKG_VERSION")))
    }
}

/// Tells a user who waits at a terminal why nothing happens.
fn say_retry(url: &str, error: &FetchError, pause: Duration) {
    let (reason, pause) = (tool::output::reason(error), pause.as_secs_f64());
    let line = printable(&format!("{url}: {reason}; retrying in {pause:.1} s"));
    let _ = writeln!(io::stderr(), "fetch: {line}");
}

fn main() {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| usage::report(&error));
    runtime::run("fetch", run_until_signal("fetch", run(arguments)));
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    let printer = Printer::start();
    let (code, message) = match work(arguments, &printer).await {
        Ok(code) => (code, None),
        Err(error) => (1, Some(error)),
    };
    if let Some(error) = message {
        printer.print(complaint(&error)).await;
    }
    match printer.finish().await {
        Ok(()) => code,
        // The reader has closed the pipe, as in `fetch ... | head -1`. That is not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fetch: cannot write to stdout: {error}");
            1
        }
    }
}

/// Returns the line that reports an error.
fn complaint(error: &anyhow::Error) -> Text {
    let line = format!("fetch: {}\n", printable(&format!("{error:#}")));
    Text { err: line.into(), ..Text::default() }
}

/// Fetches the URLs, or runs the demonstration. Returns the exit status.
async fn work(arguments: Arguments, printer: &Printer) -> anyhow::Result<i32> {
    let (options, format) = (arguments.options(), arguments.format());
    if arguments.urls.is_empty() {
        let timeline = demo::run(options, printer).await?;
        if let Some(path) = arguments.timeline_svg {
            timeline.save_svg(&path).with_context(|| path.display().to_string())?;
        }
        return Ok(0);
    }
    let urls: Vec<_> = arguments.urls.iter().cloned().map(input::with_scheme).collect();
    let is_https = |url: &String| url.to_lowercase().starts_with("https:");
    let client = arguments.client.build(|| arguments.client_builder(), urls.iter().any(is_https));
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            printer.print(complaint(&error)).await;
            return Ok(2);
        }
    };
    let start = Instant::now();
    let mut summary = Summary::default();
    // An error on stdin ends the list of URLs. The URLs that were read before the error are still
    // fetched.
    let mut stdin_error = None;
    {
        let urls = input::urls(urls)
            .scan((), |(), url| ready(url.map_err(|error| stdin_error = Some(error)).ok()));
        let texts = fetch::fetch_all(&client, urls, options).map(|fetched| {
            summary.add(&fetched);
            format.text(fetched)
        });
        // If several lines are ready, we print them with a single system call. Bodies may be large,
        // so we print those one by one.
        let most = if format == Format::Bodies { 1 } else { 256 };
        let mut texts = pin!(texts.ready_chunks(most));
        while let Some(texts) = texts.next().await {
            if !printer.print(texts.into_iter().collect()).await {
                return Ok(summary.code()); // stdout is closed, and `finish` returns the reason
            }
        }
    }
    let summary_line = format!("fetch: {}\n", summary.line(start.elapsed()));
    printer.print(Text { err: summary_line.into(), ..Text::default() }).await;
    stdin_error.map_or(Ok(summary.code()), Err)
}
