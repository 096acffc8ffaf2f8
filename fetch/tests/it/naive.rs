//! Shows each fault of the naive translation of `asyncio.gather` on real sockets, next to what
//! this lesson does instead.

use crate::server;
use std::time::Duration;

use fetch::{FetchError, Phase};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream};

/// Does the same as `await (await session.get(url)).text()`.
async fn naive_fetch(client: &reqwest::Client, url: String) -> reqwest::Result<String> {
    client.get(url).send().await?.text().await
}

/// Does the same as `await asyncio.gather(*(fetch(session, url) for url in urls))`.
async fn naive_gather(client: &reqwest::Client, urls: Vec<String>) -> reqwest::Result<Vec<String>> {
    try_join_all(urls.into_iter().map(|url| naive_fetch(client, url))).await
}

#[tokio::test]
async fn the_naive_gather_loses_every_result_at_the_first_failure() {
    let (root, _) = server::start().await;
    let urls = vec![format!("{root}/delay/0/good"), server::closed()];
    let client = server::client();

    // This returns an error, and the page that did arrive is lost.
    assert!(naive_gather(&client, urls.clone()).await.is_err());

    let ours: Vec<_> =
        fetch::fetch_all(&client, stream::iter(urls), server::concurrency(1)).collect().await;
    assert_eq!(ours[0].outcome.as_ref().unwrap().body, b"good");
}

#[tokio::test]
async fn the_naive_gather_mistakes_an_error_page_for_the_page() {
    let (root, _) = server::start().await;
    let url = format!("{root}/status/500");
    let client = server::client();
    assert_eq!(naive_gather(&client, vec![url.clone()]).await.unwrap(), [""]);
    assert!(fetch::fetch(&client, &url, &server::concurrency(1)).await.is_err());
}

#[tokio::test]
async fn the_naive_gather_opens_a_connection_for_every_url() {
    let (root, _) = server::start().await;
    // The server answers only when all hundred requests are open at the same moment, each on a
    // separate connection.
    let urls: Vec<_> = (0..100).map(|n| format!("{root}/meet/{n}")).collect();
    assert_eq!(naive_gather(&server::client(), urls).await.unwrap().len(), 100);
    // Our `fetch_all` never exceeds its limit: see `no_more_requests_than_the_limit_are_in_flight`.
}

#[tokio::test]
async fn the_naive_gather_waits_forever() {
    let root = server::start_raw(None).await;
    // This client uses reqwest's defaults, which include no timeout. (We build our own client
    // first, because that sets up TLS for both clients.)
    let ours = server::client();
    let hasty = fetch::Options { timeout: Duration::from_millis(200), ..server::concurrency(1) };
    let naive = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    // `select!` ends when the first of the two futures ends. The naive version could end first only
    // if it got a response.
    tokio::select! {
        result = naive_gather(&naive, vec![root.clone()]) => panic!("the naive version ended: {result:?}"),
        result = fetch::fetch(&ours, &root, &hasty) => {
            assert!(matches!(result, Err(FetchError::TimedOut(Phase::Whole))));
        }
    }
}
