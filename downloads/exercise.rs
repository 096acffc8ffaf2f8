//! Your downloader. `cargo test -p downloads --test exercise` shows what is still missing.
//!
//! Each hint gives away more than the previous one:
//!
//! 1. Begin with one file: call `client.get(url).send()`, then `chunk()` until there are no more
//!    chunks. Which responses are not files at all?
//! 2. What does another program see if it looks at the folder while you are in the middle of a
//!    download? Write under another name, and rename at the end. What happens to that other name if
//!    something goes wrong?
//! 3. `futures_util::future::join_all` runs many futures and keeps their order. How do you make
//!    the fourth one wait until one of the first three has finished? Look at
//!    `tokio::sync::Semaphore`.
//! 4. `src/lib.rs` shows one way to write the downloader.
#![allow(unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::path::PathBuf;

use reqwest::Client;

/// Downloads each URL to its path, at most `concurrency` at the same time. Returns, in the order
/// of `files`, the number of bytes of each file, or a text that says why it was not saved. A file
/// appears under its name when it is complete, or not at all. Leaves nothing else in the folder.
pub async fn download_all(
    client: &Client,
    files: &[(String, PathBuf)],
    concurrency: usize,
) -> Vec<Result<u64, String>> {
    todo!("download the files")
}
