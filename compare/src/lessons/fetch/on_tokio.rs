//! `fetch` on Tokio, by reqwest.

use std::sync::Arc;

use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::task;

use super::{Answer, Input, Page};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(input).await
}

async fn lesson(input: Input) -> Answer {
    // step: one client for all
    let client = Client::builder().no_proxy();
    #[cfg(feature = "tls")] // plain HTTP needs no certificates, and a machine may have none
    let client = client.tls_certs_only([]);
    let client = client.build().expect("nothing in it can fail");

    // step: so many at a time, in the order asked for
    let slots = Arc::new(Semaphore::new(input.at_once));
    let mut tasks = Vec::new();
    for url in input.urls {
        let slot = slots.clone().acquire_owned().await.expect("never closed");
        let client = client.clone();
        tasks.push(task::spawn(async move {
            let page = get(client, url).await;
            drop(slot);
            page
        }));
    }
    let mut pages = Vec::new();
    for task in tasks {
        pages.push(task.await.expect("no panic"));
    }
    Answer { pages }
}

// step: get one page
async fn get(client: Client, url: String) -> Page {
    let _span = span(url.as_str());
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
