//! Many URLs concurrently: the Rust counterpart of `asyncio.gather` over one aiohttp session.
//!
//! All requests share one client. At most `concurrency` of them are in flight, and results come in
//! the order of the URLs. A failure is one of the results, and does not affect the others.
//!
//! Run with: `cargo run -p fetch`

pub mod countdown;
mod error;
pub mod retry;
mod types;
pub mod url;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::stream::{Stream, StreamExt};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

pub use error::{FetchError, Phase};
pub use types::{Fetched, Options, Page};

/// Fetches all URLs and yields one result for each, in the order of `urls`.
///
/// The stream is lazy: it takes no URL and sends no request until it is polled. Then it works on up
/// to four times `concurrency` URLs, beginning with the one whose result it yields next. Each of
/// these URLs may be waiting for a permit, in flight, pausing between two attempts, or finished. If
/// the first of these URLs is slow and the buffer is full, all the URLs after it have to wait. Up
/// to `4 * concurrency * max_size` bytes of bodies may then be in memory.
///
/// Dropping the stream cancels the requests in flight. A host name lookup continues on its own
/// thread, because a blocking `getaddrinfo` call cannot be interrupted.
///
/// # Panics
/// The stream panics if it is polled outside a Tokio runtime.
///
/// ```no_run
/// use std::pin::pin;
/// use fetch::Options;
/// use futures_util::{StreamExt, stream};
///
/// # async fn example() -> reqwest::Result<()> {
/// let client = fetch::client_builder().build()?;
/// let urls = stream::iter(["https://example.org".to_owned(), "https://example.net".to_owned()]);
/// let mut results = pin!(fetch::fetch_all(&client, urls, Options::default()));
/// while let Some(fetched) = results.next().await {
///     match fetched.outcome {
///         Ok(page) => println!("{}: {} bytes", fetched.url, page.body.len()),
///         Err(error) => println!("{}: {error}", fetched.url),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub fn fetch_all<'a>(
    client: &'a Client,
    urls: impl Stream<Item = String> + 'a,
    options: Options,
) -> impl Stream<Item = Fetched> + 'a {
    // A semaphore panics if it is created with more permits than `MAX_PERMITS`.
    let in_flight = options.concurrency.get().min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(in_flight));
    urls.map(move |url| {
        let (client, permits) = (client.clone(), Arc::clone(&permits));
        // Each URL gets its own task, which runs even while the consumer is busy with a result. A
        // plain future would only be polled together with this stream, so its timeout could expire
        // before anybody looks at its response.
        let task =
            tokio::spawn(async move { fetch_in_turn(&client, &url, options, &permits).await });
        // Dropping a plain handle leaves the task running. Dropping this handle aborts the task.
        AbortOnDropHandle::new(task)
    })
    .buffered(in_flight.saturating_mul(4))
    .map(|ended| ended.unwrap_or_else(|panic| resume_unwind(panic.into_panic())))
}

/// Fetches one URL, and retries if the failure is transient. Holds a permit while a request is in
/// flight, but not during the pause between two attempts.
async fn fetch_in_turn(
    client: &Client,
    url: &str,
    options: Options,
    permits: &Semaphore,
) -> Fetched {
    let mut backoff = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(retry::LONGEST_PAUSE)
        .with_max_times(options.retries)
        .build();
    let mut attempts = 0;
    loop {
        let permit = permits.acquire().await.expect("the semaphore is never closed");
        let start = Instant::now();
        let outcome = fetch(client, url, options).await;
        let elapsed = start.elapsed();
        drop(permit);
        attempts += 1;
        let pause = match &outcome {
            Err(error) if retry::is_transient(error) => {
                backoff.next().map(|backoff| retry::pause(error, backoff, fastrand::f64()))
            }
            _ => None,
        };
        match pause {
            Some(pause) => sleep(pause).await,
            None => {
                let url = url::without_credentials(url);
                return Fetched { url, outcome, attempts, elapsed };
            }
        }
    }
}

/// Fetches one URL in a single attempt. Dropping the future closes the connection.
///
/// # Errors
/// - [`FetchError::InvalidUrl`] if the URL is invalid, before anything is sent
/// - [`FetchError::TimedOut`] if `options.timeout` or one of the client's timeouts expires
/// - [`FetchError::Status`] if the response is not a success
/// - [`FetchError::TooLarge`] if the body is longer than `options.max_size`
/// - the other variants if connecting fails, a redirect cannot be followed or the response is
///   invalid
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = fetch::client_builder().build()?;
/// let page = fetch::fetch(&client, "https://example.org", fetch::Options::default()).await?;
/// println!("{} bytes", page.body.len());
/// # Ok(())
/// # }
/// ```
pub async fn fetch(client: &Client, url: &str, options: Options) -> Result<Page, FetchError> {
    let address = url::http_url(url).ok_or(FetchError::InvalidUrl)?;
    let page = timeout(options.timeout, get(client, address, options.max_size)).await;
    page.unwrap_or(Err(FetchError::TimedOut(Phase::Whole)))
}

async fn get(client: &Client, address: Url, limit: u64) -> Result<Page, FetchError> {
    let mut response = client.get(address).send().await?;
    // To the client, a 404 is a response like any other. Without this check, we would mistake its
    // error page for the page that we asked for.
    let status = response.status();
    if !status.is_success() {
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|value| retry::retry_after(value, SystemTime::now()));
        return Err(FetchError::Status { status, retry_after });
    }
    // `response.bytes()` would be shorter, but a server may send more data than our memory can
    // hold.
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(FetchError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Page { status, body })
}

/// Returns a builder for a client with a connect timeout of 5 s and a read timeout of 15 s. The
/// client follows up to ten redirects, to `http` and `https` only. By default, reqwest sets no
/// timeout: it would wait forever for a server that never answers.
///
/// Call `build()` to get the client. If TLS cannot be set up, `build()` returns an error, while
/// `Client::new()` would panic.
pub fn client_builder() -> ClientBuilder {
    // We use ring as the crypto provider for TLS, because building ring requires nothing but a C
    // compiler. This call fails if the program has already chosen another provider, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(15))
        .redirect(Policy::limited(10))
}
