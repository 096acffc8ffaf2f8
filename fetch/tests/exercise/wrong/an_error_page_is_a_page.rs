//! Does not look at the status.

use futures_util::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use reqwest::Client;

/// Fetches a page. Returns its bytes when it is complete, or a text that says what went wrong.
pub async fn fetch_page(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    let response = client.get(url).send().await;
    let bytes = response.map_err(|error| error.to_string())?.bytes().await;
    bytes.map(Into::into).map_err(|error| error.to_string())
}

/// Requests all URLs at once, and returns the page that is complete first.
pub async fn fetch_first(client: &Client, urls: &[String]) -> Result<Vec<u8>, Vec<String>> {
    if urls.is_empty() {
        return Err(vec!["there are no URLs".into()]);
    }
    let mut requests: FuturesUnordered<_> =
        urls.iter().map(|url| fetch_page(client, url)).collect();
    let mut failures = Vec::new();
    while let Some(result) = requests.next().await {
        match result {
            // Returning drops the other requests, which closes their connections.
            Ok(page) => return Ok(page),
            Err(failure) => failures.push(failure),
        }
    }
    Err(failures)
}

/// Returns a stream of the results of all URLs, in their order, failures included.
pub fn fetch_all(
    client: &Client,
    urls: Vec<String>,
    concurrency: usize,
) -> BoxStream<'static, Result<Vec<u8>, String>> {
    let client = client.clone();
    let requests = stream::iter(urls).map(move |url| {
        let client = client.clone();
        async move { fetch_page(&client, &url).await }
    });
    requests.buffered(concurrency).boxed()
}
