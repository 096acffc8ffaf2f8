//! The ways a request can fail, each told apart.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

/// Why a URL gave no page.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The text is no http or https URL.
    #[error("not an http or https URL")]
    InvalidUrl,
    /// No connection: name not found, port closed, TLS refused.
    #[error("cannot connect")]
    Connect(#[source] reqwest::Error),
    /// A time-out passed.
    #[error("timed out {0}")]
    TimedOut(Phase),
    /// The server answered, and not with a page.
    #[error("the server answered {status}")]
    Status {
        /// 400 to 599, or a redirect that says no place to go to.
        status: StatusCode,
        /// How long the server asks us to stay away.
        retry_after: Option<Duration>,
    },
    /// Redirected too often, or to something other than http and https.
    #[error("redirected too often, or away from http")]
    Redirect(#[source] reqwest::Error),
    /// The body, decoded, is longer than allowed. The rest was not read.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// What was allowed, in bytes.
        limit: u64,
    },
    /// The connection broke before the whole answer had come, or what came was no answer.
    #[error("no whole answer")]
    Broken(#[source] reqwest::Error),
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name, connecting, agreeing on TLS.
    Connecting,
    /// Waiting for the next bytes of the answer.
    Reading,
    /// The request as a whole.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "while connecting",
            Self::Reading => "waiting for the next bytes",
            Self::Whole => "as a whole",
        })
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // Who reads the error knows the URL. And it may hold a password.
        let error = error.without_url();
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => Self::TimedOut(Phase::Connecting),
            (true, false) => Self::TimedOut(Phase::Reading),
            (false, true) => Self::Connect(error),
            // A request that cannot be built: ours was, so it is that of a redirect.
            _ if error.is_redirect() || error.is_builder() => Self::Redirect(error),
            (false, false) => Self::Broken(error),
        }
    }
}
