//! The scene without arguments: a loopback server whose answers take their time.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use futures_util::{StreamExt, pin_mut};
use tokio::net::TcpListener;

use crate::print_line;

/// Fetches `/delay/1`, `/delay/2` and `/delay/3` at once, and one page that fails among them.
pub async fn run(concurrency: NonZeroUsize) -> anyhow::Result<()> {
    let server = serve().await.context("starting the loopback server")?;
    let urls = ["delay/3", "delay/1", "status/503", "delay/2"]
        .map(|path| format!("http://{server}/{path}"));
    print_line(&format!("{} URLs at once, answers in the order asked for:\n", urls.len()))?;

    // Plain HTTP to our own machine needs no TLS roots, and no proxy.
    let client = fetch::client_builder().tls_certs_only([]).no_proxy().build()?;
    let start = Instant::now();
    let mut one_after_another = Duration::ZERO;

    let results = fetch::fetch_all(&client, urls, concurrency);
    pin_mut!(results);
    while let Some(result) = results.next().await {
        let line = match result {
            Ok(page) => {
                one_after_another += page.elapsed;
                let body = String::from_utf8_lossy(&page.body);
                format!("{} in {:.2} s: {body}", page.url, page.elapsed.as_secs_f64())
            }
            Err(error) => format!("{error}, and the others go on"),
        };
        print_line(&format!("{:6.2} s  {line}", start.elapsed().as_secs_f64()))?;
    }
    print_line(&format!(
        "\n{:.2} s together; one after another it would have been {:.2} s",
        start.elapsed().as_secs_f64(),
        one_after_another.as_secs_f64()
    ))?;
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
