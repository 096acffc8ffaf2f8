//! A task for each file, and a thread that writes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Client;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, spawn_blocking};

pub async fn download_all(
    client: &Client,
    files: &[(String, PathBuf)],
    concurrency: usize,
) -> Vec<Result<u64, String>> {
    let permits = Arc::new(Semaphore::new(concurrency));
    // Dropping the set aborts its tasks.
    let mut tasks = JoinSet::new();
    for (place, (url, path)) in files.iter().cloned().enumerate() {
        let (client, permits) = (client.clone(), Arc::clone(&permits));
        tasks.spawn(async move {
            let _permit = permits.acquire().await;
            (place, download(&client, &url, &path).await.map_err(|error| error.to_string()))
        });
    }
    let mut results = tasks.join_all().await;
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

async fn download(client: &Client, url: &str, path: &Path) -> anyhow::Result<u64> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    let (pieces, mut to_write) = mpsc::channel::<bytes::Bytes>(4);
    let (complete, is_complete) = tokio::sync::oneshot::channel::<()>();
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let path = path.to_owned();
    let writer = spawn_blocking(move || {
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        let mut length = 0;
        while let Some(bytes) = to_write.blocking_recv() {
            part.write_all(&bytes)?;
            length += bytes.len() as u64;
        }
        is_complete.blocking_recv()?;
        part.persist(path)?;
        anyhow::Ok(length)
    });
    while let Some(bytes) = response.chunk().await? {
        if pieces.send(bytes).await.is_err() {
            break; // the writer has failed
        }
    }
    drop(pieces);
    let _ = complete.send(());
    writer.await?
}
