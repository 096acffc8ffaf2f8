//! Compiles the code in the README.
#![allow(dead_code, reason = "this code only has to compile")]

use bytes::Bytes;
use tokio::sync::mpsc;

async fn from_the_socket_to_the_disk(
    mut response: reqwest::Response,
    pieces: mpsc::Sender<Bytes>,
) -> anyhow::Result<()> {
    while let Some(bytes) = response.chunk().await? {
        pieces.send(bytes).await?;
    }
    Ok(())
}
