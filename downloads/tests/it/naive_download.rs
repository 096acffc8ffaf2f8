//! The downloader as people usually write it.

use std::io;
use std::path::Path;

use tokio::io::AsyncWriteExt;

/// Writes directly to a file with the final name, as you do with `open(name, "wb")` in Python.
pub async fn naive_download(client: &reqwest::Client, url: &str, path: &Path) -> io::Result<u64> {
    let mut response = client.get(url).send().await.map_err(io::Error::other)?;
    let mut file = tokio::fs::File::create(path).await?;
    let mut length = 0;
    while let Some(bytes) = response.chunk().await.map_err(io::Error::other)? {
        file.write_all(&bytes).await?;
        file.flush().await?;
        length += bytes.len() as u64;
    }
    Ok(length)
}
