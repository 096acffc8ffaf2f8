//! What the lesson promises of `fetch` and `fetch_all`.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod server;

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use fetch::{FetchError, Page, fetch, fetch_all};
use futures_util::StreamExt;

fn at_once(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

fn bodies(results: Vec<Result<Page, FetchError>>) -> Vec<Option<String>> {
    results.into_iter().map(|result| Some(String::from_utf8(result.ok()?.body).unwrap())).collect()
}

#[tokio::test]
async fn results_come_in_the_order_asked_for() {
    let (root, _) = server::start().await;
    let urls = [("150", "slow"), ("0", "fast"), ("50", "middling")]
        .map(|(ms, text)| format!("{root}/delay/{ms}/{text}"));
    let results = fetch_all(&server::client(), urls, at_once(3)).collect().await;
    assert_eq!(bodies(results), ["slow", "fast", "middling"].map(|s| Some(s.to_owned())));
}

#[tokio::test]
async fn one_failure_does_not_lose_the_others() {
    let (root, _) = server::start().await;
    let urls = [
        format!("{root}/delay/50/first"),
        format!("{root}/status/500"),
        server::closed().await,
        "no url at all".into(),
        format!("{root}/delay/0/last"),
    ];
    let results: Vec<_> = fetch_all(&server::client(), urls, at_once(5)).collect().await;
    assert!(matches!(&results[1], Err(FetchError::Status { status, .. }) if *status == 500));
    assert!(matches!(&results[2], Err(FetchError::Connect { .. })), "{:?}", results[2]);
    assert!(matches!(&results[3], Err(FetchError::InvalidUrl { .. })));
    assert_eq!(bodies(results), [Some("first".into()), None, None, None, Some("last".into())]);
}

#[tokio::test]
async fn no_more_than_the_limit_are_in_flight() {
    let (root, counts) = server::start().await;
    let urls = (0..40).map(|n| format!("{root}/delay/10/{n}"));
    let results: Vec<_> = fetch_all(&server::client(), urls, at_once(4)).collect().await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(counts.asked.load(SeqCst), 40);
    assert_eq!(counts.most.load(SeqCst), 4);
}

#[tokio::test]
async fn they_overlap() {
    let (root, counts) = server::start().await;
    let urls = (0..3).map(|n| format!("{root}/delay/200/{n}"));
    let results: Vec<_> = fetch_all(&server::client(), urls, at_once(3)).collect().await;
    assert_eq!(results.len(), 3);
    assert_eq!(counts.most.load(SeqCst), 3, "all three were in flight at the same moment");
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let root = server::start_raw(None).await;
    let hasty = fetch::client_builder()
        .tls_certs_only([])
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let result = fetch(&hasty, &root).await;
    assert!(matches!(result, Err(FetchError::TimedOut { .. })), "{result:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let root =
        server::start_raw(Some("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")).await;
    let result = fetch(&server::client(), &root).await;
    assert!(matches!(result, Err(FetchError::Broken { .. })), "{result:?}");
}

#[tokio::test]
async fn a_dropped_stream_asks_for_nothing_more() {
    let (root, counts) = server::start().await;
    let urls = (0..100).map(|n| format!("{root}/delay/0/{n}"));
    let client = server::client();
    let mut results = Box::pin(fetch_all(&client, urls, at_once(2)));
    assert_eq!(counts.asked.load(SeqCst), 0, "nothing is asked before the first poll");
    results.next().await.unwrap().unwrap();
    drop(results);
    // A request of another client: when it is answered, the server has seen what came before it.
    fetch(&server::client(), &format!("{root}/delay/50/after")).await.unwrap();
    // The one answered, at most two more that were under way, and the one after.
    assert!(counts.asked.load(SeqCst) <= 4, "{counts:?}");
}
