//! `fetch` on smol, with hyper and smol-hyper.

use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;

use super::{Answer, Input, Page};
use crate::lessons::http_on_smol::send;
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: one client for all requests
    // hyper implements the protocol and keeps no pool of connections. Each request opens its own
    // connection (see `lessons/http_on_smol.rs`).

    // step: at most N at a time, results in input order
    // All futures run inside this task, so they can borrow the URLs. Dropping the stream cancels
    // them.
    let pages = stream::iter(&input.urls).map(|url| get(url)).buffered(input.at_once);
    Answer { pages: pages.collect().await }
}

// step: get one page
async fn get(url: &str) -> Page {
    let _span = span(url);
    let Ok(response) = send(url).await else {
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
