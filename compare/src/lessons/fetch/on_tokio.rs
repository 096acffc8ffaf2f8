//! `fetch` on Tokio, with reqwest.

use futures_util::{StreamExt, stream};
use reqwest::Client;

use super::{Answer, Input, Page};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(input).await
}

async fn lesson(input: Input) -> Answer {
    // step: one client for all requests
    let client = Client::builder().no_proxy();
    #[cfg(feature = "tls")] // Plain HTTP needs no certificates, and a machine may have none.
    let client = client.tls_certs_only([]);
    let client = client.build().expect("this configuration is valid");

    // step: at most N at a time, results in input order
    // All futures run inside this task, so they can borrow the client. Dropping the stream cancels
    // them.
    let pages = stream::iter(&input.urls).map(|url| get(&client, url)).buffered(input.at_once);
    Answer { pages: pages.collect().await }
}

// step: get one page
async fn get(client: &Client, url: &str) -> Page {
    let _span = span(url);
    let Ok(response) = client.get(url).send().await else {
        return Page::NoAnswer;
    };
    if response.status().as_u16() >= 400 {
        return Page::Status(response.status().as_u16());
    }
    match response.text().await {
        Ok(body) => Page::Body(body),
        Err(_) => Page::NoAnswer,
    }
}
