//! `fetch` on async-std, with surf.

use async_std::task;
use futures_util::{StreamExt, stream};
use surf::Client;

use super::{Answer, Input, Page};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    task::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: one client for all requests
    let client = Client::new();

    // step: at most N at a time, results in input order
    // All futures run inside this task, so they can borrow the client. Dropping the stream cancels
    // them.
    let pages = stream::iter(&input.urls).map(|url| get(&client, url)).buffered(input.at_once);
    Answer { pages: pages.collect().await }
}

// step: get one page
async fn get(client: &Client, url: &str) -> Page {
    let _span = span(url);
    let Ok(mut response) = client.get(url).send().await else {
        return Page::NoAnswer;
    };
    if u16::from(response.status()) >= 400 {
        return Page::Status(response.status().into());
    }
    match response.body_string().await {
        Ok(body) => Page::Body(body),
        Err(_) => Page::NoAnswer,
    }
}
