//! Many URLs at once: what `asyncio.gather` over one aiohttp session becomes.
//!
//! One client is shared by all requests, a bounded number of them are in flight, results come in
//! the order asked for, and a failure is one of the results instead of the end of them all.
//!
//! Run with: `cargo run -p fetch`

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream, StreamExt};
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use thiserror::Error;

/// An answer with a status below 400, and its whole body.
#[derive(Debug, Clone)]
pub struct Page {
    /// The URL as it was asked for.
    pub url: String,
    /// The status of the answer.
    pub status: StatusCode,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// From sending the request to the last byte of the body. Time spent waiting for a free
    /// slot does not count.
    pub elapsed: Duration,
}

/// Why a URL gave no page.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The text is no http or https URL.
    #[error("{url}: not an http or https URL")]
    InvalidUrl {
        /// The text as given.
        url: String,
    },
    /// No connection: name not found, port closed, TLS refused.
    #[error("{url}: cannot connect")]
    Connect {
        /// The URL as asked for.
        url: String,
        /// What the client says.
        source: reqwest::Error,
    },
    /// One of the client's time-outs passed.
    #[error("{url}: timed out")]
    TimedOut {
        /// The URL as asked for.
        url: String,
        /// What the client says.
        source: reqwest::Error,
    },
    /// The server answered with a status of 400 or more.
    #[error("{url}: the server answered {status}")]
    Status {
        /// The URL as asked for.
        url: String,
        /// 400 to 599.
        status: StatusCode,
    },
    /// The connection broke before the whole answer had come, or what came was no answer.
    #[error("{url}: no whole answer")]
    Broken {
        /// The URL as asked for.
        url: String,
        /// What the client says.
        source: reqwest::Error,
    },
}

/// A client with time-outs: 5 s to connect, 30 s for a whole request. reqwest sets none itself,
/// and what never answers would be waited for for ever.
///
/// Call `build()` on it rather than `Client::new()`, which panics where TLS cannot be set up.
pub fn client_builder() -> ClientBuilder {
    // TLS by ring, which needs nothing but a C compiler to build. Where the program has chosen
    // another provider already, this is an error, and the other stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(30))
}

/// Gets one URL. Dropping the future closes its connection. A look-up of the host's name goes on, on
/// a thread of its own: systems have no other way to look one up, and no way to stop it.
///
/// # Errors
/// Each way it can fail is a variant of [`FetchError`].
pub async fn fetch(client: &Client, url: &str) -> Result<Page, FetchError> {
    let address = match Url::parse(url) {
        Ok(address) if matches!(address.scheme(), "http" | "https") => address,
        _ => return Err(FetchError::InvalidUrl { url: url.into() }),
    };
    let start = Instant::now();
    let response = client.get(address).send().await.map_err(|source| failure(url, source))?;
    // A client hands out a 404 like any other answer. Whoever does not look, takes the error
    // page for the page.
    let status = response.status();
    if status.as_u16() >= 400 {
        return Err(FetchError::Status { url: url.into(), status });
    }
    let body = response.bytes().await.map_err(|source| failure(url, source))?;
    Ok(Page { url: url.into(), status, body: body.into(), elapsed: start.elapsed() })
}

/// Gets all URLs, at most `concurrency` at a time, and yields one result for each in the order
/// of `urls`.
///
/// The stream is lazy: it asks for nothing until it is polled, and takes the next URL only when a
/// slot is free. Results that wait for an earlier one keep their slot, so that never more than
/// `concurrency` bodies are in memory, however large each of them is. Dropping the stream cancels
/// what is in flight.
pub fn fetch_all<'a>(
    client: &'a Client,
    urls: impl IntoIterator<Item = String, IntoIter: 'a>,
    concurrency: NonZeroUsize,
) -> impl Stream<Item = Result<Page, FetchError>> + 'a {
    stream::iter(urls)
        .map(move |url| async move { fetch(client, &url).await })
        .buffered(concurrency.get())
}

/// Says which kind of failure a reqwest error is.
fn failure(url: &str, source: reqwest::Error) -> FetchError {
    let url = url.to_owned();
    // The URL stands in the message already.
    let source = source.without_url();
    // In this order: a time-out while connecting is both.
    if source.is_timeout() {
        FetchError::TimedOut { url, source }
    } else if source.is_connect() {
        FetchError::Connect { url, source }
    } else {
        FetchError::Broken { url, source }
    }
}
