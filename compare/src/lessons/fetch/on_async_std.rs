//! `fetch` on async-std, by surf.

use async_std::channel;
use async_std::task;
use surf::Client;

use super::{Answer, Input, Page};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    task::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: one client for all
    let client = Client::new();

    // step: so many at a time, in the order asked for
    // There is no semaphore; a full channel holds back as well.
    let (take, give_back) = channel::bounded(input.at_once);
    let mut tasks = Vec::new();
    for url in input.urls {
        take.send(()).await.expect("we hold the other end");
        let (client, give_back) = (client.clone(), give_back.clone());
        tasks.push(task::spawn(async move {
            let page = get(client, url).await;
            give_back.recv().await.expect("a place was taken");
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
async fn get(client: Client, url: String) -> Page {
    let _span = span(url.as_str());
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
