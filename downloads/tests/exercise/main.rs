//! Applies the checks of the exercise to your solution in `exercise.rs`.
//!
//! Run with: `cargo test -p downloads --test exercise`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
#[path = "../it/server.rs"]
mod server;

use std::path::PathBuf;

use checks::{Downloader, promises};
use reqwest::Client;

struct Yours;

impl Downloader for Yours {
    async fn download_all(
        client: &Client,
        files: &[(String, PathBuf)],
        concurrency: usize,
    ) -> Vec<Result<u64, String>> {
        exercise::download_all(client, files, concurrency).await
    }
}

promises!(Yours);
