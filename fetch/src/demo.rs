//! The demonstration that runs if the program gets no arguments: it starts a local server that
//! answers slowly, and fetches from it.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::extract::{Path, State};
use axum::{Router, http::StatusCode, routing::get};
use fetch::Options;
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;

use crate::timeline::Timeline;
use crate::tool::printer::Printer;

/// Fetches `/delay/3`, `/delay/1`, a page that fails, and `/delay/2`, all concurrently. Returns
/// the timeline of the run.
pub async fn run(options: Options, printer: &Printer) -> anyhow::Result<Arc<Timeline>> {
    let timeline = Arc::new(Timeline::start(&[
        ('█', "in flight"),
        ('·', "finished, waiting for earlier results"),
        ('×', "answered 503"),
    ]));
    let server = serve(Arc::clone(&timeline)).await.context("cannot start the local server")?;
    let urls = ["/delay/3", "/delay/1", "/status/503", "/delay/2"];
    for url in urls {
        timeline.show(url, ' '); // so that the rows are in the order of the URLs
    }
    let urls = urls.map(|path| format!("http://{server}{path}"));
    let title = format!("{} URLs concurrently, results in the order of the URLs:\n", urls.len());
    printer.line(&title).await;

    // Plain HTTP to our own machine needs no TLS certificates and no proxy.
    let client = fetch::client_builder().tls_certs_only([]).no_proxy().build()?;
    let start = Instant::now();
    let mut in_turn = Duration::ZERO;

    let mut results = pin!(fetch::fetch_all(&client, stream::iter(urls), options));
    while let Some(fetched) = results.next().await {
        let (url, took) = (fetched.url, fetched.elapsed);
        let path = url.trim_start_matches("http://").trim_start_matches(&server.to_string());
        timeline.show(path, ' ');
        in_turn += took;
        let line = match fetched.outcome {
            Ok(page) => {
                let body = String::from_utf8_lossy(&page.body);
                format!("{path} in {:.2} s: {body}", took.as_secs_f64())
            }
            Err(error) => format!("{path}: {error}, {} times", fetched.attempts),
        };
        printer.line(&format!("{:6.2} s  {line}", start.elapsed().as_secs_f64())).await;
    }
    printer.line(&format!("\n{}", timeline.text())).await;
    let (together, in_turn) = (start.elapsed().as_secs_f64(), in_turn.as_secs_f64());
    let line = format!("{together:.2} s concurrently, or {in_turn:.2} s one after another");
    printer.line(&line).await;
    Ok(timeline)
}

/// Serves `/delay/{seconds}` and `/status/{code}` on a free port of this machine until the program
/// ends. Records each request in the timeline.
async fn serve(timeline: Arc<Timeline>) -> std::io::Result<SocketAddr> {
    let routes = Router::new()
        .route("/delay/{seconds}", get(delay))
        .route("/status/{code}", get(status))
        .with_state(timeline);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn delay(Path(seconds): Path<u64>, State(timeline): State<Arc<Timeline>>) -> String {
    let row = format!("/delay/{seconds}");
    timeline.show(&row, '█');
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    timeline.show(&row, '·');
    format!("waited {seconds} s")
}

async fn status(Path(code): Path<u16>, State(timeline): State<Arc<Timeline>>) -> StatusCode {
    timeline.mark(&format!("/status/{code}"), '×');
    StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
}
