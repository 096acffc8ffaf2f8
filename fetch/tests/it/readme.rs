//! Compiles the code in the README.
#![allow(dead_code, reason = "it only has to compile")]

use std::pin::pin;
use std::sync::Arc;

use fetch::{Fetched, Options, fetch_all};
use futures_util::{Stream, StreamExt};
use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

fn the_heart_of_fetch_all(
    client: Client,
    urls: impl Stream<Item = String>,
    permits: Arc<Semaphore>,
    concurrency: usize,
) -> impl Stream<Item = Result<Fetched, JoinError>> {
    urls.map(move |url| tokio::spawn(fetch_in_turn(client.clone(), url, permits.clone())))
        .buffered(4 * concurrency)
}

async fn fetch_in_turn(_: Client, _: String, _: Arc<Semaphore>) -> Fetched {
    unimplemented!("see src/lib.rs")
}

async fn take_all(client: Client, urls: impl Stream<Item = String>, options: Options) {
    let mut results = pin!(fetch_all(&client, urls, options));
    while let Some(fetched) = results.next().await {
        println!("{}: {:?}", fetched.url, fetched.outcome);
    }
}
