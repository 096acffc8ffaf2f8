//! `downloads` on smol, by hyper and smol-hyper.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use smol::fs;
use smol::io::AsyncWriteExt;
use smol::lock::Semaphore;
use smol::net::TcpStream;
use smol_hyper::rt::FuturesIo;

use super::{Answer, Input, look_into};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: so many at a time, each in a task of its own
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

// step: into a part file, and under its name when it is whole
async fn download(url: &str, path: &Path) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let _span = span(url);
    let part = path.with_extension("part");
    let result = stream(url, &part).await;
    match result {
        Ok(_) => fs::rename(&part, path).await?,
        Err(_) => fs::remove_file(&part).await?,
    }
    result
}

// step: stream the body to the file
async fn stream(url: &str, part: &Path) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut file = fs::File::create(part).await?;
    let mut response = send(url).await?;
    if response.status().as_u16() >= 400 {
        return Err(response.status().as_str().into());
    }
    let mut bytes = 0;
    // A body that breaks off is an error of its last frame.
    while let Some(frame) = response.frame().await {
        if let Ok(chunk) = frame?.into_data() {
            file.write_all(&chunk).await?;
            bytes += chunk.len() as u64;
        }
    }
    // Writes go on in the background; only now is it certain that they went well.
    file.sync_all().await?;
    Ok(bytes)
}

async fn send(url: &str) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let host = uri.host().ok_or("no host")?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let stream = FuturesIo::new(stream);
    let (mut sender, connection) = http1::handshake(stream).await?;
    smol::spawn(connection).detach();
    let path = uri.path_and_query().ok_or("no path")?.as_str();
    let host = uri.authority().ok_or("no host")?.as_str();
    let request = Request::get(path).header(header::HOST, host).body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}
