//! `downloads` on async-std, by surf.

use std::error::Error;
use std::path::Path;

use async_std::channel;
use async_std::fs;
use async_std::io;
use async_std::task;
use surf::Client;

use super::{Answer, Input, look_into};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    task::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: so many at a time, each in a task of its own
    let client = Client::new();
    let (take, give_back) = channel::bounded(input.at_once);
    let mut tasks = Vec::new();
    for file in input.files {
        take.send(()).await.expect("we hold the other end");
        let (client, path) = (client.clone(), input.folder.join(&file.name));
        let give_back = give_back.clone();
        tasks.push(task::spawn(async move {
            let saved = download(&client, &file.url, &path).await;
            give_back.recv().await.expect("a place was taken");
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

// step: into a part file, and under its name when it is whole
async fn download(
    client: &Client,
    url: &str,
    path: &Path,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let _span = span(url);
    let part = path.with_extension("part");
    let result = stream(client, url, &part).await;
    match result {
        Ok(_) => fs::rename(&part, path).await?,
        Err(_) => fs::remove_file(&part).await?,
    }
    result
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
        return Err("the body broke off".into());
    }
    file.sync_all().await?;
    Ok(bytes)
}
