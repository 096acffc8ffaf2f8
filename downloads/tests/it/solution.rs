//! Applies the checks of the exercise to the downloader of this lesson, and to the downloader as
//! people usually write it.

use crate::server;
use std::path::PathBuf;

use crate::checks::{Downloader, steps};
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
        let options = downloads::Options { replace: true, ..server::concurrency(concurrency) };
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

#[test]
fn the_downloader_of_this_lesson_passes_all_steps_of_the_exercise() {
    for step in steps::<Ours>() {
        assert_eq!((step.check)(), Ok(()), "{}", step.does);
    }
}

#[test]
fn the_usual_downloader_has_no_limit_and_leaves_half_a_file() {
    let steps = steps::<Naive>();
    let passes: Vec<_> = steps[..5].iter().map(|step| (step.check)().is_ok()).collect();
    assert_eq!(passes, [true, true, false, false, false]);
}
