//! The data types that callers pass in and get back.

use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::StatusCode;

use crate::FetchError;

/// Options for fetching.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many requests may be in flight at the same time.
    pub concurrency: NonZeroUsize,
    /// How long one attempt may take, from connecting to the last byte. Time spent waiting for a
    /// permit does not count.
    pub timeout: Duration,
    /// The maximum number of retries after transient failures. See [`is_transient`].
    ///
    /// [`is_transient`]: crate::retry::is_transient
    pub retries: usize,
    /// The longest body to accept, in bytes, counted after decompression.
    pub max_size: u64,
}

impl Default for Options {
    /// Allows 32 requests in flight, one minute for each attempt, two retries, and bodies of up to
    /// 10 MiB.
    fn default() -> Self {
        let concurrency = NonZeroUsize::MIN.saturating_add(31);
        Self { concurrency, timeout: Duration::from_secs(60), retries: 2, max_size: 10 << 20 }
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
    /// The status of the response: 200 to 299.
    pub status: StatusCode,
    /// The body, decompressed.
    pub body: Vec<u8>,
}
