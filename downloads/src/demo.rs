//! The demonstration, which runs if the program gets no arguments. It downloads four files from a
//! slow loopback server that breaks one connection.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downloads::{Event, Options, Outcome};
use futures_util::stream;
use tokio::net::TcpListener;

use crate::timeline::Timeline;
use crate::tool;
use crate::tool::plan::{Wanted, plan};
use crate::tool::progress::Format;

const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
const SIZE: usize = 256 * 1024;
const PIECES: usize = 32;

/// Downloads four files of 256 KiB, each of which takes 0.5 to 2 s, into a temporary folder.
/// Returns the timeline of the run.
pub async fn run(options: Options) -> anyhow::Result<Timeline> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("starting the server")?;
    let server = listener.local_addr()?;
    let breaks_next = Arc::new(AtomicBool::new(true));
    let routes = Router::new().route("/{milliseconds}/{name}", get(serve)).with_state(breaks_next);
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let urls: Vec<_> = NAMES
        .iter()
        .map(|name| format!("http://{server}/{}/{name}.bin", fastrand::u64(500..=2000)))
        .collect();
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let wanted = urls.into_iter().map(|url| Ok(Wanted::from(url))).collect();
    let plan: Vec<_> = plan(wanted, folder.path()).into_iter().collect::<Result<_, _>>()?;
    // Plain HTTP to our own machine needs no TLS certificates and no proxy.
    let client = downloads::client_builder().tls_certs_only([]).no_proxy().build()?;
    let timeline = Timeline::start(&[
        ('█', "receiving, in NAME.part"),
        ('·', "waiting to resume"),
        ('×', "the connection breaks"),
        ('✓', "complete"),
    ]);
    let watch = |place: usize, event: &Event<'_>| record(&timeline, NAMES[place], event);
    let code = tool::run(&client, &plan, options, Format::Lines, watch).await?;
    anyhow::ensure!(code == 0, "the loopback server has failed");
    writeln!(io::stdout(), "\n{}", timeline.text())?;
    Ok(timeline)
}

fn record(timeline: &Timeline, name: &str, event: &Event<'_>) {
    match event {
        Event::Started => timeline.show(name, ' '),
        Event::Received(..) => timeline.show(name, '█'),
        Event::Retrying(..) => {
            timeline.show(name, '·');
            timeline.mark(name, '×');
        }
        Event::Ended(Ok(Outcome::Saved(_))) => {
            timeline.show(name, ' ');
            timeline.mark(name, '✓');
        }
        Event::Ended(_) | Event::Waiting(_) => timeline.show(name, ' '),
    }
}

/// Sends a file, or the rest of a file, in pieces that are spread over the requested time. The
/// first transfer of `gamma.bin` breaks in the middle.
async fn serve(
    Path((milliseconds, name)): Path<(u64, String)>,
    State(breaks_next): State<Arc<AtomicBool>>,
    headers: HeaderMap,
) -> Response {
    let pause = Duration::from_millis(milliseconds) / PIECES as u32;
    let breaks = name == "gamma.bin" && breaks_next.swap(false, Relaxed);
    let start = first_byte(&headers).filter(|first| *first < SIZE);
    let pieces = stream::unfold(start.unwrap_or(0), move |sent| async move {
        if sent == SIZE {
            return None;
        }
        tokio::time::sleep(pause).await;
        if breaks && sent >= SIZE / 2 {
            return Some((Err(io::Error::other("the connection breaks")), SIZE));
        }
        let length = (SIZE / PIECES).min(SIZE - sent);
        Some((Ok(Bytes::from(vec![b'x'; length])), sent + length))
    });
    let body = Body::from_stream(pieces);
    let tag = (ETAG, "\"version 1\"".to_owned());
    match start {
        None => ([tag, (CONTENT_LENGTH, SIZE.to_string())], body).into_response(),
        Some(first) => {
            let range = format!("bytes {first}-{}/{SIZE}", SIZE - 1);
            let length = (CONTENT_LENGTH, (SIZE - first).to_string());
            let headers = [tag, length, (CONTENT_RANGE, range)];
            (StatusCode::PARTIAL_CONTENT, headers, body).into_response()
        }
    }
}

/// Parses `Range: bytes=N-`.
fn first_byte(headers: &HeaderMap) -> Option<usize> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}
