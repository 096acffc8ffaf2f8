//! Downloads one file after another.

use std::path::{Path, PathBuf};

use reqwest::Client;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

/// Downloads each URL to its path, at most `concurrency` at the same time. Returns, in the order of
/// `files`, the number of bytes of each file, or a text that says why it was not saved.
pub async fn download_all(
    client: &Client,
    files: &[(String, PathBuf)],
    concurrency: usize,
) -> Vec<Result<u64, String>> {
    let permits = &Semaphore::new(concurrency);
    let one = |(url, path): &(String, PathBuf)| {
        let (url, path) = (url.clone(), path.clone());
        async move {
            let _permit = permits.acquire().await;
            download(client, &url, &path).await.map_err(|error| format!("{error:#}"))
        }
    };
    let mut results = Vec::new();
    for file in files {
        results.push(one(file).await);
    }
    results
}

async fn download(client: &Client, url: &str, path: &Path) -> anyhow::Result<u64> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut part = Part::of(path);
    // A call that creates the file in the background could do so after `part` has been dropped.
    let mut file = File::from_std(std::fs::File::create(&part.path)?);
    let mut length = 0;
    while let Some(bytes) = response.chunk().await? {
        file.write_all(&bytes).await?;
        length += bytes.len() as u64;
    }
    // Without this, the last write may still be under way, or may have failed.
    file.flush().await?;
    fs::rename(&part.path, path).await?;
    part.is_complete = true;
    Ok(length)
}

/// A partial file, which is removed unless it has become the complete one.
struct Part {
    path: PathBuf,
    is_complete: bool,
}

impl Part {
    fn of(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        Self { path: name.into(), is_complete: false }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_complete {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
