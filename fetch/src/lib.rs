//! Many URLs concurrently: the Rust counterpart of `asyncio.gather` over one aiohttp session.
//!
//! All requests share one client. At most `concurrency` of them are in flight, and results come in
//! the order of the URLs. A failure is one of the results, and does not affect the others.
//!
//! Run with: `cargo run -p fetch`

mod body;
pub mod countdown;
mod deadline;
mod error;
mod get;
mod memory;
mod per_host;
pub mod retry;
mod retry_after;
mod types;
pub mod url;

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::stream::{Stream, StreamExt};
use reqwest::header::{ACCEPT_ENCODING, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use body::Body;
use deadline::Deadline;
pub use error::{FetchError, Phase};
use get::get;
use memory::{Memory, Share};
use per_host::PerHost;
use retry_after::retry_after;
pub use types::{Fetched, Options, Page};

/// How many bytes of one response a server may send over HTTP/2 before we read them.
const STREAM_WINDOW: u32 = 256 << 10;

/// The same for all responses of a connection together: the largest value there is.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Fetches all URLs and yields one result for each, in the order of `urls`.
///
/// The stream is lazy: it takes no URL and sends no request until it is polled. Then it works on up
/// to four times `concurrency` URLs, beginning with the one whose result it yields next. Each of
/// these URLs may be waiting for a permit, in flight, pausing between two attempts, or finished. If
/// the first of these URLs is slow and the buffer is full, all the URLs after it have to wait.
///
/// The bodies that wait for their turn share `buffer` bytes of memory. If these are used up, all
/// URLs pause, except the one whose result comes next, which needs no permit then. So at most
/// `buffer + max_size` bytes are in memory, in addition to the results that you have already
/// received, and at most `concurrency + 1` requests are in flight.
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
    let in_flight = permits(options.concurrency);
    let memory = Memory::new(options.buffer);
    let shared = Arc::new(Shared {
        client: client.clone(),
        permits: Semaphore::new(in_flight),
        hosts: options.per_host.map(PerHost::new),
        options,
    });
    urls.enumerate()
        .map(move |(place, url)| {
            let (shared, mut share) = (Arc::clone(&shared), memory.share(place));
            let work = async move {
                let fetched = fetch_in_turn(&shared, &url, &mut share).await;
                (fetched, share)
            };
            // Each URL gets its own task, which runs even while the consumer is busy with a result.
            // A plain future would only be polled together with this stream, so its timeout could
            // expire before anybody looks at its response.
            let task = tokio::spawn(work);
            // Dropping a plain handle leaves the task running. Dropping this handle aborts the task.
            AbortOnDropHandle::new(task)
        })
        .buffered(in_flight.saturating_mul(4))
        .map(|ended| {
            let (fetched, share) = ended.unwrap_or_else(|panic| resume_unwind(panic.into_panic()));
            share.has_had_its_turn();
            fetched
        })
}

/// What the tasks of all URLs share.
struct Shared {
    client: Client,
    options: Options,
    permits: Semaphore,
    hosts: Option<PerHost>,
}

impl Shared {
    /// Waits for the permits of a request. We take the host's permit first. Otherwise, a URL that
    /// waits for its host would hold a permit that another host could use.
    async fn permits(&self, url: &str) -> (Option<OwnedSemaphorePermit>, SemaphorePermit<'_>) {
        let of_host = match &self.hosts {
            Some(hosts) => hosts.permit(url).await,
            None => None,
        };
        (of_host, self.permits.acquire().await.expect("the semaphore is never closed"))
    }
}

/// Returns a number of permits that a semaphore accepts. With more than `MAX_PERMITS`, it would
/// panic.
fn permits(n: NonZeroUsize) -> usize {
    n.get().min(Semaphore::MAX_PERMITS)
}

/// Fetches one URL, and retries if the failure is transient. Holds a permit while a request is in
/// flight, but not during the pause between two attempts.
async fn fetch_in_turn(shared: &Shared, url: &str, share: &mut Share) -> Fetched {
    let options = &shared.options;
    let mut backoff = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(retry::LONGEST_PAUSE)
        .with_max_times(options.retries)
        .build();
    let mut attempts = 0;
    loop {
        share.start_over().await;
        let permits = tokio::select! {
            permits = shared.permits(url) => Some(permits),
            () = share.is_the_only_hope() => None,
        };
        let start = Instant::now();
        let outcome = attempt(&shared.client, url, options, share).await;
        let elapsed = start.elapsed();
        drop(permits);
        attempts += 1;
        let url = url::without_credentials(url);
        let again = match &outcome {
            Err(error) if retry::is_transient(error) => backoff.next().map(|backoff| {
                let pause = retry::pause(error, backoff, fastrand::f64());
                (pause, error)
            }),
            _ => None,
        };
        let Some((pause, error)) = again else {
            return Fetched { url, outcome, attempts, elapsed };
        };
        if let Some(on_retry) = options.on_retry {
            on_retry(&url, error, pause);
        }
        sleep(pause).await;
    }
}

/// Fetches one URL in a single attempt. Dropping the future closes the connection.
///
/// # Errors
/// - [`FetchError::InvalidUrl`] if the URL is invalid, before anything is sent
/// - [`FetchError::TimedOut`] if one of the two timeouts in `options` expires, or the client's
///   connect timeout
/// - [`FetchError::Status`] if the response is not a success, or only a part of the page
/// - [`FetchError::TooLarge`] if the body is longer than `options.max_size`
/// - the other variants if connecting fails, a redirect cannot be followed or the response is
///   invalid
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = fetch::client_builder().build()?;
/// let page = fetch::fetch(&client, "https://example.org", &fetch::Options::default()).await?;
/// println!("{} bytes", page.body.len());
/// # Ok(())
/// # }
/// ```
pub async fn fetch(client: &Client, url: &str, options: &Options) -> Result<Page, FetchError> {
    attempt(client, url, options, &mut Share::unlimited()).await
}

async fn attempt(
    client: &Client,
    url: &str,
    options: &Options,
    share: &mut Share,
) -> Result<Page, FetchError> {
    let url = url::http_url(url).ok_or(FetchError::InvalidUrl)?;
    let mut deadline = Deadline::new(options.timeout, options.read_timeout);
    let accept = [(ACCEPT_ENCODING, HeaderValue::from_static(body::CODINGS))].into_iter().collect();
    let request = get(client, url, &options.headers, &accept, options.read_timeout);
    let response = deadline.limit(request).await??;
    // To the client, a 404 is a response like any other. Without this check, we would mistake its
    // error page for the page that we asked for. And we have not asked for a part of a page.
    let status = response.status();
    if !status.is_success() || status == StatusCode::PARTIAL_CONTENT {
        let retry_after = retry_after(response.headers(), SystemTime::now());
        return Err(FetchError::Status { status, retry_after });
    }
    let keep = options.keep_bodies.then_some(share);
    let Body { bytes, length, .. } =
        Body::read(response, options.max_size, keep, &mut deadline).await?;
    Ok(Page { status, length, body: bytes })
}

/// Returns a builder for a client with a connect timeout of 5 s. By default, reqwest sets no timeout:
/// it would wait forever for a server that never answers. [`Options`] has the other two timeouts.
///
/// The client does not follow redirects, because [`fetch`] does that. It sends no `Referer`, which
/// could tell the password in a URL to another server.
///
/// Call `build()` to get the client. If TLS cannot be set up, `build()` returns an error, while
/// `Client::new()` would panic.
pub fn client_builder() -> ClientBuilder {
    // We use ring as the crypto provider for TLS, because building ring requires nothing but a C
    // compiler. This call fails if the program has already chosen another provider, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(Duration::from_secs(5))
        // In HTTP/2, all responses of a connection share a window of bytes that we have not read yet.
        // Bodies that wait for memory must not use it up, or the one that comes next could not arrive.
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .redirect(Policy::none())
        .referer(false)
}
