//! The error type of this lesson: one variant for each way in which a request can fail.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

/// The reason why a URL could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The text is not a valid `http` or `https` URL.
    #[error("not an http or https URL")]
    InvalidUrl,
    /// The client could not connect: the name was not found, the port was closed, or TLS failed.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// One of the three timeouts expired.
    #[error("timed out {0}")]
    TimedOut(Phase),
    /// The server answered with a status that is not a success.
    #[error("the server answered {status}")]
    Status {
        /// The status of the response: 400 to 599, or the status of a redirect without a usable
        /// `Location`.
        status: StatusCode,
        /// How long the server asks us to wait before we send the request again.
        retry_after: Option<Duration>,
    },
    /// There were too many redirects, or the server redirected to a URL that is invalid or is not
    /// an `http` or `https` URL.
    #[error("too many redirects, or a redirect to an unsupported URL")]
    Redirect(#[source] reqwest::Error),
    /// The decompressed body is longer than allowed. We stopped reading when it exceeded the limit.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The maximum length of a body, in bytes.
        limit: u64,
    },
    /// The connection broke before the response was complete, or what arrived was not valid HTTP.
    #[error("the response is incomplete or invalid")]
    Broken(#[source] reqwest::Error),
}

/// What took too long, which also says which of the three timeouts expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name, connecting, and setting up TLS.
    Connecting,
    /// Waiting for the next bytes of the response.
    Reading,
    /// The request as a whole.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "while connecting",
            Self::Reading => "while waiting for the next bytes",
            Self::Whole => "before the response was complete",
        })
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // We remove the URL from the error, because it may contain a password, and the caller knows
        // the URL anyway.
        let error = error.without_url();
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => Self::TimedOut(Phase::Connecting),
            (true, false) => Self::TimedOut(Phase::Reading),
            (false, true) => Self::Connect(error),
            // A builder error means that a request was invalid. We have checked our own URL, so it
            // must have been a redirect that led to an invalid URL.
            _ if error.is_redirect() || error.is_builder() => Self::Redirect(error),
            (false, false) => Self::Broken(error),
        }
    }
}
