//! The checks of the exercise, held against our solution and against the downloader as it is usually
//! written.

mod checks;
mod naive_download;
mod server;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use checks::{Downloader, promises};
use downloads::Download;
use futures_util::future::try_join_all;
use naive_download::naive_download;
use reqwest::Client;

struct Ours;

impl Downloader for Ours {
    async fn download_all(
        client: &Client,
        files: &[(String, PathBuf)],
        at_once: usize,
    ) -> Vec<Result<u64, String>> {
        let at_once = NonZeroUsize::new(at_once).expect("not zero");
        let download =
            |(url, path): &(String, PathBuf)| Download { url: url.clone(), path: path.clone() };
        let downloads: Vec<_> = files.iter().map(download).collect();
        let results = downloads::download_all(client, &downloads, at_once, |_, _| {}).await;
        results.into_iter().map(|result| result.map_err(|error| error.to_string())).collect()
    }
}

/// `await asyncio.gather(*(download(url) for url in urls))`
struct Naive;

impl Downloader for Naive {
    async fn download_all(
        client: &Client,
        files: &[(String, PathBuf)],
        _at_once: usize,
    ) -> Vec<Result<u64, String>> {
        let all = try_join_all(files.iter().map(|(url, path)| naive_download(client, url, path)));
        match all.await {
            Ok(lengths) => lengths.into_iter().map(Ok).collect(),
            Err(error) => files.iter().map(|_| Err(error.to_string())).collect(),
        }
    }
}

promises!(Ours);

#[tokio::test]
async fn the_usual_downloader_breaks_three_promises_of_four() {
    use checks::*;
    assert_eq!(files_arrive_whole_and_in_the_order_asked_for::<Naive>().await, Ok(()));
    assert!(so_many_at_a_time_and_no_more::<Naive>().await.is_err());
    assert!(one_failure_does_not_lose_the_others::<Naive>().await.is_err());
    assert!(a_transfer_that_breaks_off_leaves_nothing_under_the_name::<Naive>().await.is_err());
}
