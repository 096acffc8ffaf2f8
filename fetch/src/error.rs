//! The error type of this lesson: one variant for each way in which a request can fail.

use std::time::Duration;
use std::{fmt, io};

use reqwest::StatusCode;
use thiserror::Error;

use crate::get::GetError;

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
    /// We do not trust the server's certificate.
    #[error("refused the server's certificate: {0}")]
    Certificate(String),
    /// The server answered with a status that is not a success.
    #[error("the server answered {status}")]
    Status {
        /// The status of the response: 400 to 599, the status of a redirect without a `Location`, or
        /// 206, because we have asked for the whole page and not for a part of it.
        status: StatusCode,
        /// How long the server asks us to wait before we send the request again.
        retry_after: Option<Duration>,
    },
    /// There were more than ten redirects.
    #[error("too many redirects")]
    TooManyRedirects,
    /// The server redirects to something other than an `http` or `https` URL.
    #[error("the server redirects to a URL that is not an http or https URL")]
    UnsupportedRedirect,
    /// The decompressed body is longer than allowed. We stopped reading when it exceeded the limit.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The maximum length of a body, in bytes.
        limit: u64,
    },
    /// The body has a content coding that we have not asked for and cannot undo.
    #[error("cannot read a body with the content coding `{0}`")]
    Coding(String),
    /// The compressed body is incomplete or damaged.
    #[error("the compressed body is damaged")]
    Damaged(#[source] io::Error),
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

impl From<GetError> for FetchError {
    fn from(error: GetError) -> Self {
        match error {
            GetError::Request(error) => error.into(),
            GetError::Silent(_) => Self::TimedOut(Phase::Reading),
            GetError::Certificate(reason) => Self::Certificate(reason),
            GetError::TooManyRedirects => Self::TooManyRedirects,
            GetError::UnsupportedRedirect => Self::UnsupportedRedirect,
        }
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
            (false, false) => Self::Broken(error),
        }
    }
}
