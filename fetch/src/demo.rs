//! The scene without arguments: a loopback server whose answers take their time.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use fetch::Options;
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;

use crate::tool::printer::Printer;

/// Fetches `/delay/1`, `/delay/2` and `/delay/3` at once, and one page that fails among them.
pub async fn run(options: Options, printer: &Printer) -> anyhow::Result<()> {
    let server = serve().await.context("starting the loopback server")?;
    let urls = ["delay/3", "delay/1", "status/503", "delay/2"]
        .map(|path| format!("http://{server}/{path}"));
    printer.line(&format!("{} URLs at once, answers in the order asked for:\n", urls.len())).await;

    // Plain HTTP to our own machine needs no TLS roots, and no proxy.
    let client = fetch::client_builder().tls_certs_only([]).no_proxy().build()?;
    let start = Instant::now();
    let mut one_after_another = Duration::ZERO;

    let mut results = pin!(fetch::fetch_all(&client, stream::iter(urls), options));
    while let Some(fetched) = results.next().await {
        let (url, took) = (fetched.url, fetched.elapsed);
        one_after_another += took;
        let line = match fetched.outcome {
            Ok(page) => {
                let body = String::from_utf8_lossy(&page.body);
                format!("{url} in {:.2} s: {body}", took.as_secs_f64())
            }
            Err(error) => format!("{url}: {error} {} times; the others go on", fetched.attempts),
        };
        printer.line(&format!("{:6.2} s  {line}", start.elapsed().as_secs_f64())).await;
    }
    let (together, apart) = (start.elapsed().as_secs_f64(), one_after_another.as_secs_f64());
    let line =
        format!("{together:.2} s together; one after another it would have been {apart:.2} s");
    printer.line(&format!("\n{line}")).await;
    Ok(())
}

/// Serves `/delay/{seconds}` and `/status/{code}` on a free port of this machine, until the
/// program ends.
async fn serve() -> std::io::Result<SocketAddr> {
    let routes = Router::new().route("/delay/{seconds}", get(delay)).route(
        "/status/{code}",
        get(|Path(code): Path<u16>| async move {
            StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn delay(Path(seconds): Path<u64>) -> String {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    format!("waited {seconds} s")
}
