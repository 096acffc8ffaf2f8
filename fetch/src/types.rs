//! The data types that callers pass in and get back.

use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::FetchError;

/// Options for fetching.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many requests may be in flight at the same time.
    pub concurrency: NonZeroUsize,
    /// How many requests to the same host and port may be in flight at the same time.
    pub per_host: Option<NonZeroUsize>,
    /// How long the server may send nothing. For the first bytes, this includes connecting. The time
    /// in which we don't read, because other bodies have used up the buffer, does not count.
    pub read_timeout: Duration,
    /// How long one attempt may take, from connecting to the last byte. Time spent waiting for a
    /// permit does not count.
    pub timeout: Duration,
    /// The maximum number of retries after transient failures. See [`is_transient`].
    ///
    /// [`is_transient`]: crate::retry::is_transient
    pub retries: usize,
    /// The longest body to accept, in bytes, counted after decompression.
    pub max_size: u64,
    /// Whether to keep the bodies. If not, they are read and counted only.
    pub keep_bodies: bool,
    /// How many bytes of kept bodies may wait for their turn in [`fetch_all`](crate::fetch_all).
    pub buffer: u64,
    /// Additional headers. They are sent to the servers of the URLs, but not to other servers that
    /// these servers redirect to.
    pub headers: HeaderMap,
    /// Is called before each pause between two attempts, with the URL without user name and
    /// password, the reason, and the length of the pause. It must not block.
    pub on_retry: Option<fn(&str, &FetchError, Duration)>,
}

impl Default for Options {
    /// Allows 32 requests in flight, 15 s without a byte, one minute for each attempt, two retries, and bodies of up to
    /// 10 MiB, which are kept, with 64 MiB for those that wait for their turn.
    fn default() -> Self {
        let concurrency = NonZeroUsize::MIN.saturating_add(31);
        Self {
            concurrency,
            per_host: None,
            read_timeout: Duration::from_secs(15),
            timeout: Duration::from_secs(60),
            retries: 2,
            max_size: 10 << 20,
            keep_bodies: true,
            buffer: 64 << 20,
            headers: HeaderMap::new(),
            on_retry: None,
        }
    }
}

/// The result for one URL.
#[derive(Debug)]
pub struct Fetched {
    /// The URL that you passed, without user name and password.
    pub url: String,
    /// The page, or the reason why it could not be fetched.
    pub outcome: Result<Page, FetchError>,
    /// How many attempts were made.
    pub attempts: u32,
    /// How long the last attempt took.
    pub elapsed: Duration,
}

/// A successful response with its whole body.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status of the response: 200 to 299, except 206.
    pub status: StatusCode,
    /// The length of the decompressed body in bytes.
    pub length: u64,
    /// The body, decompressed. It is empty if you did not ask to keep it.
    pub body: Vec<u8>,
}
