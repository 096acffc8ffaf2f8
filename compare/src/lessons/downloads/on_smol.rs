//! `downloads` on smol, with hyper and smol-hyper.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use http_body_util::BodyExt;
use smol::fs;
use smol::io::AsyncWriteExt;
use smol::lock::Semaphore;

use super::{Answer, Input, look_into, part_of};
use crate::lessons::http_on_smol::send;
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: at most N at a time, each in its own task
    let slots = Arc::new(Semaphore::new(input.at_once));
    let mut tasks = Vec::new();
    for file in input.files {
        let slot = slots.acquire_arc().await;
        let path = input.folder.join(&file.name);
        tasks.push(smol::spawn(async move {
            let saved = download(&file.url, &path).await;
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
async fn download(url: &str, path: &Path) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let _span = span(url);
    let part = part_of(path);
    let mut saved = stream(url, &part).await;
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
async fn stream(url: &str, part: &Path) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut file = fs::File::create(part).await?;
    let mut response = send(url).await?;
    if response.status().as_u16() >= 400 {
        return Err(response.status().as_str().into());
    }
    let mut bytes = 0;
    // If the connection closes early, the last frame is an error.
    while let Some(frame) = response.frame().await {
        if let Ok(chunk) = frame?.into_data() {
            file.write_all(&chunk).await?;
            bytes += chunk.len() as u64;
        }
    }
    // smol writes in the background. `sync_all` waits for those writes, and reports their errors.
    file.sync_all().await?;
    Ok(bytes)
}
