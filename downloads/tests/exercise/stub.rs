//! Your downloader. `cargo exercise downloads` checks it, step by step.
//!
//! You need: `reqwest`, `tokio::fs`, and a semaphore.
#![allow(unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::path::PathBuf;

use reqwest::Client;

/// Downloads each URL to its path, at most `concurrency` at the same time. Returns, in the order of
/// `files`, the number of bytes of each file, or a text that says why it was not saved.
///
/// A file appears under its name when it is complete, or not at all. Until then, its bytes are in
/// another file in the same folder. If a download fails, or if this future is dropped, nothing is left
/// in the folder, and an older file with that name stays as it was. A complete file replaces it.
pub async fn download_all(
    client: &Client,
    files: &[(String, PathBuf)],
    concurrency: usize,
) -> Vec<Result<u64, String>> {
    todo!("download the files")
}
