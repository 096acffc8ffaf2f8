//! `downloads` on Tokio, with reqwest.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use reqwest::Client;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::task;

use super::{Answer, Input, look_into, part_of};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(input).await
}

async fn lesson(input: Input) -> Answer {
    // step: at most N at a time, each in its own task
    let client = Client::builder().no_proxy();
    #[cfg(feature = "tls")] // Plain HTTP needs no certificates, and a machine may have none.
    let client = client.tls_certs_only([]);
    let client = client.build().expect("this configuration is valid");
    let slots = Arc::new(Semaphore::new(input.at_once));
    let mut tasks = Vec::new();
    for file in input.files {
        let slot = slots.clone().acquire_owned().await.expect("never closed");
        let (client, path) = (client.clone(), input.folder.join(&file.name));
        tasks.push(task::spawn(async move {
            let saved = download(&client, &file.url, &path).await;
            drop(slot);
            saved.ok()
        }));
    }

    // step: collect the results in order
    let mut saved = Vec::new();
    for task in tasks {
        saved.push(task.await.expect("no panic"));
    }
    Answer { saved, folder: look_into(&input.folder) }
}

// step: write a partial file, and rename it when it is complete
async fn download(
    client: &Client,
    url: &str,
    path: &Path,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let _span = span(url);
    let part = part_of(path);
    let mut saved = stream(client, url, &part).await;
    if saved.is_ok() {
        saved = fs::rename(&part, path).await.map_err(Into::into).and(saved);
    }
    if saved.is_err() {
        // Ignore errors: the partial file may not exist, and the caller needs the first error.
        let _ = fs::remove_file(&part).await;
    }
    saved
}

// step: stream the body to the file
async fn stream(
    client: &Client,
    url: &str,
    part: &Path,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut file = fs::File::create(part).await?;
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut bytes = 0;
    // If the connection closes early, the last chunk is an error.
    while let Some(chunk) = response.chunk().await? {
        file.write_all(&chunk).await?;
        bytes += chunk.len() as u64;
    }
    // Tokio writes in the background. `flush` waits for those writes, and reports their errors.
    // `sync_all` waits for them too, but can return `Ok` after a write that failed.
    file.flush().await?;
    file.sync_all().await?;
    Ok(bytes)
}
