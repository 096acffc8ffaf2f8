//! The scene without arguments: four files from a loopback server that takes its time.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downloads::Options;
use futures_util::stream;
use tokio::net::TcpListener;

use crate::tool;
use crate::tool::plan::{Wanted, plan};
use crate::tool::progress::Format;

const SIZE: usize = 256 * 1024;
const PIECES: usize = 32;

/// Downloads four files of 256 KiB, each over 0.5 to 2 s, into a temporary folder.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("starting the server")?;
    let server = listener.local_addr()?;
    let routes = Router::new().route("/{milliseconds}/{name}", get(serve));
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let urls: Vec<_> = ["alpha", "beta", "gamma", "delta"]
        .iter()
        .map(|name| format!("http://{server}/{}/{name}.bin", fastrand::u64(500..=2000)))
        .collect();
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let wanted = urls.into_iter().map(Wanted::from).collect();
    let plan = plan(wanted, folder.path())?;
    // Plain HTTP to our own machine needs no TLS roots, and no proxy.
    let client = downloads::client_builder().tls_certs_only([]).no_proxy().build()?;
    let code = tool::run(&client, &plan, options, Format::Lines).await?;
    anyhow::ensure!(code == 0, "the loopback server has failed");
    Ok(())
}

/// Sends a file in pieces, spread over the time asked for.
async fn serve(Path((milliseconds, _name)): Path<(u64, String)>) -> Response {
    let pause = Duration::from_millis(milliseconds) / PIECES as u32;
    let pieces = stream::unfold(0, move |sent| async move {
        if sent == PIECES {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(Bytes::from(vec![b'x'; SIZE / PIECES])), sent + 1))
    });
    ([(CONTENT_LENGTH, SIZE)], Body::from_stream(pieces)).into_response()
}
