//! Many URLs at once: what `asyncio.gather` over one aiohttp session becomes.
//!
//! One client is shared by all requests, a bounded number of them are in flight, results come in
//! the order asked for, and a failure is one of the results instead of the end of them all.
//!
//! Run with: `cargo run -p fetch`

mod error;
pub mod rules;

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::stream::{Stream, StreamExt};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

pub use error::{FetchError, Phase};

/// How to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many requests may be in flight at once.
    pub concurrency: NonZeroUsize,
    /// How long one attempt may take, from connecting to the last byte. Time spent waiting for a
    /// free slot does not count.
    pub timeout: Duration,
    /// How often to try again what may pass ([`rules::may_pass`]).
    pub retries: usize,
    /// The longest body allowed, in bytes, counted after decompression.
    pub max_size: u64,
}

impl Default for Options {
    fn default() -> Self {
        let concurrency = NonZeroUsize::MIN.saturating_add(31);
        Self { concurrency, timeout: Duration::from_secs(60), retries: 2, max_size: 10 << 20 }
    }
}

/// What has become of one URL.
#[derive(Debug)]
pub struct Fetched {
    /// The URL as it was asked for, without user name and password.
    pub url: String,
    /// The page, or why there is none.
    pub outcome: Result<Page, FetchError>,
    /// How often it was tried.
    pub attempts: u32,
    /// How long the last attempt took.
    pub elapsed: Duration,
}

/// An answer that is a page, and its whole body.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status of the answer: 200 to 299.
    pub status: StatusCode,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// A client that gives up on a server it cannot reach in 5 s, or that sends nothing for 15 s, and
/// follows ten redirects, to http and https only. reqwest sets no time-out itself: what never answers
/// would be waited for for ever.
///
/// Call `build()` on it rather than `Client::new()`, which panics where TLS cannot be set up.
pub fn client_builder() -> ClientBuilder {
    // TLS by ring, which needs nothing but a C compiler to build. Where the program has chosen
    // another provider already, this is an error, and the other stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(15))
        .redirect(Policy::limited(10))
}

/// Gets all URLs and yields one result for each, in the order of `urls`.
///
/// The stream is lazy: it asks for nothing until it is polled. Then it takes URLs up to four times
/// the concurrency ahead of the result it yields next. Each of these URLs may be in flight, finished,
/// or between two attempts. When all these places are taken, one slow URL holds up the rest, and up to
/// `4 * concurrency * max_size` bytes of bodies are in memory. Dropping the stream cancels what is in flight; a look-up of a host's name goes
/// on, on a thread of its own, since systems have no way to stop one.
pub fn fetch_all<'a>(
    client: &'a Client,
    urls: impl Stream<Item = String> + 'a,
    options: Options,
) -> impl Stream<Item = Fetched> + 'a {
    let in_flight = options.concurrency.get().min(Semaphore::MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(in_flight));
    urls.map(move |url| {
        let (client, slots) = (client.clone(), Arc::clone(&slots));
        // A task of its own, which goes on while whoever takes the results is busy with one. A
        // future is polled by its owner alone, and its time-out would pass meanwhile. Without the
        // wrapper, dropping the handle would let the task run on.
        AbortOnDropHandle::new(tokio::spawn(async move {
            fetch_in_turn(&client, &url, options, &slots).await
        }))
    })
    .buffered(in_flight.saturating_mul(4))
    .map(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic.into_panic())))
}

/// Gets one URL, again and again where that may help. Holds a slot while a request is in flight, and
/// none between two attempts.
async fn fetch_in_turn(client: &Client, url: &str, options: Options, slots: &Semaphore) -> Fetched {
    let mut backoff = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(rules::LONGEST_PAUSE)
        .with_max_times(options.retries)
        .build();
    let mut attempts = 0;
    loop {
        let slot = slots.acquire().await.expect("the semaphore is never closed");
        let start = Instant::now();
        let outcome = fetch(client, url, options).await;
        let elapsed = start.elapsed();
        drop(slot);
        attempts += 1;
        let pause = match &outcome {
            Err(error) if rules::may_pass(error) => {
                backoff.next().map(|backoff| rules::pause(error, backoff, fastrand::f64()))
            }
            _ => None,
        };
        match pause {
            Some(pause) => sleep(pause).await,
            None => {
                let url = rules::without_credentials(url);
                return Fetched { url, outcome, attempts, elapsed };
            }
        }
    }
}

/// Gets one URL, in one attempt. Dropping the future closes its connection.
///
/// # Errors
/// Each way it can fail is a variant of [`FetchError`].
pub async fn fetch(client: &Client, url: &str, options: Options) -> Result<Page, FetchError> {
    let address = rules::http_url(url).ok_or(FetchError::InvalidUrl)?;
    let page = timeout(options.timeout, get(client, address, options.max_size)).await;
    page.unwrap_or(Err(FetchError::TimedOut(Phase::Whole)))
}

async fn get(client: &Client, address: Url, limit: u64) -> Result<Page, FetchError> {
    let mut response = client.get(address).send().await?;
    // A client hands out a 404 like any other answer. Whoever does not look, takes the error
    // page for the page.
    let status = response.status();
    if !status.is_success() {
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|value| rules::retry_after(value, SystemTime::now()));
        return Err(FetchError::Status { status, retry_after });
    }
    // Not `response.bytes()`: a server may send more than there is memory for.
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(FetchError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Page { status, body })
}
