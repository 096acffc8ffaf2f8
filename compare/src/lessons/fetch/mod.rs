//! The contract of `fetch`: many URLs are fetched, at most N at a time, and the results are in
//! input order.

use serde::{Deserialize, Serialize};

use crate::serve::{Scene, Stage};

#[cfg(all(feature = "async-std", not(test)))]
pub mod on_async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod on_smol;
#[cfg(all(feature = "tokio", not(test)))]
pub mod on_tokio;

#[derive(Serialize, Deserialize)]
pub struct Input {
    pub urls: Vec<String>,
    pub at_once: usize,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    pub pages: Vec<Page>,
}

/// The result for one URL.
#[derive(Serialize, Deserialize)]
pub enum Page {
    Body(String),
    /// The server answered with a status of 400 or more.
    Status(u16),
    NoAnswer,
}

/// Returns the URLs to fetch. The slowest URL comes first, so that the results cannot be in input
/// order by chance. The server answers 429 if more than two requests are in flight.
pub fn input(stage: &Stage, _: &Scene) -> Input {
    let urls = vec![
        stage.url("limited/2/120/first"),
        stage.url("limited/2/10/second?page=2"),
        stage.url("status/503"),
        format!("http://{}/", stage.closed),
        stage.url("limited/2/40/fifth"),
        stage.url("limited/2/10/sixth"),
    ];
    Input { urls, at_once: 2 }
}

pub fn expected(_: &Input) -> Answer {
    let body = |text: &str| Page::Body(text.into());
    let failures = [Page::Status(503), Page::NoAnswer];
    let mut pages = vec![body("first"), body("second?page=2")];
    pages.extend(failures);
    pages.extend([body("fifth"), body("sixth")]);
    Answer { pages }
}
