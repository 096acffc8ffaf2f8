//! Applies the checks of the exercise to our solution, and to the downloader as people usually
//! write it.

use crate::server;
use std::path::PathBuf;

use crate::checks::{self, Downloader, promises};
use crate::naive_download::naive_download;
use downloads::{Download, Outcome};
use futures_util::future::try_join_all;
use reqwest::Client;

struct Ours;

impl Downloader for Ours {
    async fn download_all(
        client: &Client,
        files: &[(String, PathBuf)],
        concurrency: usize,
    ) -> Vec<Result<u64, String>> {
        let download = |(url, path): &(String, PathBuf)| Download {
            url: url.clone(),
            path: path.clone(),
            may_be_renamed: false,
            sha256: None,
        };
        let downloads: Vec<_> = files.iter().map(download).collect();
        let options = server::concurrency(concurrency);
        let results =
            downloads::download_all(client, &downloads, options, server::no_reports).await;
        let bytes = |outcome| match outcome {
            Outcome::Saved(saved) => saved.bytes,
            Outcome::Kept(_) => 0,
        };
        results.into_iter().map(|result| result.map(bytes).map_err(|e| e.to_string())).collect()
    }
}

/// Corresponds to `await asyncio.gather(*(download(url) for url in urls))`.
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
async fn the_usual_downloader_breaks_three_of_the_four_promises() {
    use crate::checks::*;
    assert_eq!(files_arrive_complete_and_results_are_in_order::<Naive>().await, Ok(()));
    assert!(no_more_downloads_than_the_limit_run_at_the_same_time::<Naive>().await.is_err());
    assert!(if_one_download_fails_the_others_are_still_saved::<Naive>().await.is_err());
    assert!(a_broken_transfer_leaves_no_incomplete_file_under_the_name::<Naive>().await.is_err());
}
