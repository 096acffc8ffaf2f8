//! The program of lesson 2: gets URLs side by side and prints a line for each.
//!
//! Run with: `cargo run -p fetch -- http://127.0.0.1:8000/ http://127.0.0.1:8000/other`

mod demo;
mod tool;

use std::future::ready;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::process::exit;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytesize::ByteSize;
use clap::Parser;
use fetch::Options;
use futures_util::StreamExt;
use reqwest::{Client, ClientBuilder};

use tool::input;
use tool::output::{Format, Summary, printable};
use tool::printer::{Printer, Text};

/// Gets URLs side by side; prints status, bytes, seconds and URL of each, in the order given.
#[derive(Parser)]
#[command(after_help = "Examples:
  fetch                                  a demonstration on a server of its own
  fetch https://example.org https://example.net/missing
  fetch --body -c 4 http://127.0.0.1:8000/a http://127.0.0.1:8000/b
  fetch --json --retries 5 - <urls.txt | jq .status

Results are printed in the order of the URLs. While one URL is slow, up to four times as many results
as requests in flight wait for it, and up to three more wait to be printed. Each can hold a body of
--max-size.

Exit status: 0 all fetched, 1 some failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// What to get; `-` reads URLs from stdin, one a line. Without any, a demonstration on a
    /// loopback server.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// How many requests may be in flight at once.
    #[arg(short, long, default_value = "32", value_name = "N")]
    concurrency: NonZeroUsize,
    /// How long connecting may take.
    #[arg(long, default_value = "5s", value_name = "D", value_parser = duration)]
    connect_timeout: Duration,
    /// How long the next bytes of an answer may take; the first of them together with connecting.
    #[arg(long, default_value = "15s", value_name = "D", value_parser = duration)]
    read_timeout: Duration,
    /// How long an attempt may take as a whole.
    #[arg(long, default_value = "1m", value_name = "D", value_parser = duration)]
    timeout: Duration,
    /// How often to try again what may pass: no connection, time-outs, 429, 500, 502, 503, 504.
    #[arg(long, default_value = "2", value_name = "N")]
    retries: usize,
    /// The longest body to accept, decompressed.
    #[arg(long, default_value = "10MiB", value_name = "SIZE")]
    max_size: ByteSize,
    /// Print the bodies instead of a line for each.
    #[arg(long, requires = "urls", conflicts_with = "json")]
    body: bool,
    /// Print a JSON object for each: url, status, bytes, ms, attempts, error.
    #[arg(long, requires = "urls")]
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

impl Arguments {
    fn options(&self) -> Options {
        Options {
            concurrency: self.concurrency,
            timeout: self.timeout,
            retries: self.retries,
            max_size: self.max_size.as_u64(),
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
            .read_timeout(self.read_timeout)
            .user_agent(concat!("fetch/", env!("CARGO_PKG_VERSION")))
    }
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
    // that looks up a name, or reads stdin.
    exit(code);
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    let printer = Printer::start();
    let outcome = work(arguments, &printer).await;
    let (code, complaint) = match outcome {
        Ok(true) => (0, None),
        Ok(false) => (1, None),
        Err(error) => (1, Some(format!("fetch: {}\n", printable(&format!("{error:#}"))))),
    };
    if let Some(complaint) = complaint {
        printer.print(Text { err: complaint.into(), ..Text::default() }).await;
    }
    match printer.finish().await {
        Ok(()) => code,
        // Nobody reads on (`fetch ... | head -1`): the end, not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fetch: stdout: {error}");
            1
        }
    }
}

/// Does the work and returns whether all of it succeeded.
async fn work(arguments: Arguments, printer: &Printer) -> anyhow::Result<bool> {
    let (options, format) = (arguments.options(), arguments.format());
    if arguments.urls.is_empty() {
        demo::run(options, printer).await?;
        return Ok(true);
    }
    let client = client(&arguments)?;
    let start = Instant::now();
    let mut summary = Summary::default();
    // What goes wrong with stdin ends the URLs, not the fetching of those read by then.
    let mut unread = None;
    {
        let urls = input::urls(arguments.urls)
            .scan((), |(), url| ready(url.map_err(|error| unread = Some(error)).ok()));
        let texts = fetch::fetch_all(&client, urls, options).map(|fetched| {
            summary.add(&fetched);
            format.text(fetched)
        });
        // All lines that are there at once are printed at once, by one system call; bodies, which may
        // be large, one by one.
        let at_once = if format == Format::Bodies { 1 } else { 256 };
        let mut texts = pin!(texts.ready_chunks(at_once));
        while let Some(texts) = texts.next().await {
            if !printer.print(texts.into_iter().collect()).await {
                return Ok(summary.all_ok()); // stdout is closed: why says `finish`
            }
        }
    }
    let summary_line = format!("fetch: {}\n", summary.line(start.elapsed()));
    printer.print(Text { err: summary_line.into(), ..Text::default() }).await;
    unread.map_or(Ok(summary.all_ok()), Err)
}

/// A client with the certificates of this machine. Where it has none, there is no https; plain HTTP
/// needs none.
fn client(arguments: &Arguments) -> anyhow::Result<Client> {
    let is_https = |url: &String| url.to_lowercase().starts_with("https:");
    let client = match arguments.client_builder().build() {
        Err(_) if !arguments.urls.iter().any(is_https) => {
            arguments.client_builder().tls_certs_only([]).build()
        }
        result => result,
    };
    client.context("setting up TLS (are CA certificates installed?)")
}
