//! Your fetcher. `cargo exercise fetch` checks it, step by step.
//!
//! You need: `reqwest`, and `futures_util::stream`.
#![allow(unused_variables, clippy::todo, reason = "the learner fills this in")]

use futures_util::stream::BoxStream;
use reqwest::Client;

/// Fetches a page. Returns its bytes when it is complete, or a text that says what went wrong. A status
/// other than success is an error.
pub async fn fetch_page(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    todo!("request the page, and check it")
}

/// Requests all URLs at once, and returns the page that is complete first. The other requests are
/// dropped, and their connections are closed. If all fail, or if there are no URLs, returns the reasons,
/// in any order.
pub async fn fetch_first(client: &Client, urls: &[String]) -> Result<Vec<u8>, Vec<String>> {
    todo!("let the requests race")
}

/// Returns a stream of the results of all URLs, in their order, failures included. At most `concurrency`
/// requests are in flight. No request is sent before the stream is polled. When the stream is dropped,
/// its requests are dropped, too.
pub fn fetch_all(
    client: &Client,
    urls: Vec<String>,
    concurrency: usize,
) -> BoxStream<'static, Result<Vec<u8>, String>> {
    todo!("make a stream of requests")
}
