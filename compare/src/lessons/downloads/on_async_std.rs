//! `downloads` on async-std, with surf.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use async_lock::Semaphore;
use async_std::fs;
use async_std::io;
use async_std::task;
use surf::Client;

use super::{Answer, Input, look_into, part_of};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    task::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: at most N at a time, each in its own task
    let client = Client::new();
    // async-std has no semaphore. The semaphore in async-lock works on any runtime.
    let slots = Arc::new(Semaphore::new(input.at_once));
    let mut tasks = Vec::new();
    for file in input.files {
        let slot = slots.acquire_arc().await;
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
        saved.push(task.await);
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
    let mut response = client.get(url).send().await?;
    if u16::from(response.status()) >= 400 {
        return Err(response.status().canonical_reason().into());
    }
    let announced = response.len();
    let bytes = io::copy(&mut response, &mut file).await?;
    if announced.is_some_and(|announced| announced as u64 != bytes) {
        return Err("the connection closed before the body was complete".into());
    }
    file.sync_all().await?;
    Ok(bytes)
}
