//! Checks your functions in `exercise.rs`, step by step.
//!
//! Run with: `cargo exercise fetch`

mod checks;
#[path = "../../exercise.rs"]
mod exercise;
#[path = "server.rs"]
mod exercise_server;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;

use std::process::ExitCode;

use checks::{Fetch, Page};
use futures_util::stream::BoxStream;
use reqwest::Client;

struct Yours;

impl Fetch for Yours {
    fn fetch_page(client: &Client, url: &str) -> impl Future<Output = Page> + Send {
        exercise::fetch_page(client, url)
    }

    fn fetch_first(
        client: &Client,
        urls: &[String],
    ) -> impl Future<Output = Result<Vec<u8>, Vec<String>>> + Send {
        exercise::fetch_first(client, urls)
    }

    fn fetch_all(
        client: &Client,
        urls: Vec<String>,
        concurrency: usize,
    ) -> BoxStream<'static, Page> {
        exercise::fetch_all(client, urls, concurrency)
    }
}

fn main() -> ExitCode {
    runner::main(&runner::Exercise {
        lesson: "fetch",
        folder: env!("CARGO_MANIFEST_DIR"),
        stub: include_str!("stub.rs"),
        steps: &checks::steps::<Yours>(),
    })
}
