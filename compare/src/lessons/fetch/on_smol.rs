//! `fetch` on smol, by hyper and smol-hyper.

use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use smol::lock::Semaphore;
use smol::net::TcpStream;
use smol_hyper::rt::FuturesIo;

use super::{Answer, Input, Page};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: one client for all
    // hyper is a protocol, not a client: it keeps no connections. Each request opens its own.

    // step: so many at a time, in the order asked for
    let slots = Arc::new(Semaphore::new(input.at_once));
    let mut tasks = Vec::new();
    for url in input.urls {
        let slot = slots.acquire_arc().await;
        tasks.push(smol::spawn(async move {
            let page = get(url).await;
            drop(slot);
            page
        }));
    }
    let mut pages = Vec::new();
    for task in tasks {
        pages.push(task.await);
    }
    Answer { pages }
}

// step: get one page
async fn get(url: String) -> Page {
    let _span = span(url.as_str());
    let Ok(response) = send(&url).await else {
        return Page::NoAnswer;
    };
    if response.status().as_u16() >= 400 {
        return Page::Status(response.status().as_u16());
    }
    let Ok(body) = response.into_body().collect().await else {
        return Page::NoAnswer;
    };
    match String::from_utf8(body.to_bytes().into()) {
        Ok(body) => Page::Body(body),
        Err(_) => Page::NoAnswer,
    }
}

async fn send(url: &str) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let host = uri.host().ok_or("no host")?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let stream = FuturesIo::new(stream);
    let (mut sender, connection) = http1::handshake(stream).await?;
    // What moves the bytes is a task of its own; it ends with the connection.
    smol::spawn(connection).detach();
    let path = uri.path_and_query().ok_or("no path")?.as_str();
    let host = uri.authority().ok_or("no host")?.as_str();
    let request = Request::get(path).header(header::HOST, host).body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}
