//! Checks your downloader in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise downloads`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
#[path = "server.rs"]
mod exercise_server;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;

use std::path::PathBuf;
use std::process::ExitCode;

use checks::Downloader;
use reqwest::Client;

struct Yours;

impl Downloader for Yours {
    fn download_all(
        client: &Client,
        files: &[(String, PathBuf)],
        concurrency: usize,
    ) -> impl Future<Output = Vec<Result<u64, String>>> + Send {
        exercise::download_all(client, files, concurrency)
    }
}

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "downloads",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<Yours>(),
    })
}
