//! The error type of this lesson: one variant for each way in which a service can fail.
//!
//! In Python, each way to fail would be a separate class, and `except` would name the classes to
//! catch. In Rust, `match` names the variants, and the compiler reports a `match` that forgets
//! a variant.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use tokio::task::JoinError;

/// The reason why a request returned no greeting.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address does not have the form `HOST:PORT`.
    #[error("the address must be HOST:PORT, such as localhost:22 or [::1]:22")]
    BadAddress,
    /// The name has no address, or no name server could be reached.
    #[error("the name was not found")]
    NameNotFound(#[source] io::Error),
    /// The connection was refused, or the host or the network cannot be reached.
    #[error("cannot connect")]
    CannotConnect(#[source] io::Error),
    /// The attempt took too long.
    #[error("timed out after {:?} while {phase}", rounded(*after))]
    TimedOut {
        /// The phase in which the time ran out.
        phase: Phase,
        /// The attempt's time limit, which connecting and reading share. For [`Phase::Queued`], the
        /// time that the attempt spent waiting for its turn.
        after: Duration,
    },
    /// The service closed the connection after this many bytes, before the end of the line.
    #[error("the service hung up after {0} bytes, before the end of its greeting")]
    ClosedEarly(usize),
    /// The connection failed while we were reading, for example because the service reset it.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// The service sent something that is not a line of text. The string says why it is not.
    #[error("the service sent garbage: {0}")]
    Garbage(&'static str),
    /// The task that asked the service panicked with this message.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// The request was cancelled, because another request's answer or failure was enough.
    #[error("cancelled")]
    Cancelled,
}

impl ServiceError {
    /// Returns whether it was the service that failed, so that a default may replace its answer. An
    /// invalid address and a panic are our own mistakes, and a default would only hide them.
    ///
    /// ```
    /// use errors::ServiceError;
    ///
    /// assert!(ServiceError::ClosedEarly(0).is_service_failure());
    /// assert!(!ServiceError::BadAddress.is_service_failure());
    /// ```
    pub fn is_service_failure(&self) -> bool {
        match self {
            Self::NameNotFound(_) | Self::CannotConnect(_) | Self::TimedOut { .. } => true,
            Self::ClosedEarly(_) | Self::Broken(_) | Self::Garbage(_) => true,
            Self::BadAddress | Self::Panicked(_) | Self::Cancelled => false,
        }
    }

    /// Returns the variant as one word, for programs that read our output.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadAddress => "bad-address",
            Self::NameNotFound(_) => "name-not-found",
            Self::CannotConnect(_) => "cannot-connect",
            Self::TimedOut { .. } => "timed-out",
            Self::ClosedEarly(_) => "closed-early",
            Self::Broken(_) => "broken",
            Self::Garbage(_) => "garbage",
            Self::Panicked(_) => "panicked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the error's message and the messages of its causes, in one line. An error's own
    /// `Display` leaves the causes out, so that the caller can decide whether to show them.
    ///
    /// ```
    /// use std::io;
    /// use errors::ServiceError;
    ///
    /// let error = ServiceError::CannotConnect(io::Error::other("connection refused"));
    /// assert_eq!(error.with_causes(), "cannot connect: connection refused");
    /// ```
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Rounds a duration to milliseconds, so that it is easy to read.
fn rounded(duration: Duration) -> Duration {
    match duration.checked_add(Duration::from_micros(500)) {
        Some(sum) if duration >= Duration::from_millis(1) => {
            Duration::new(sum.as_secs(), sum.subsec_millis() * 1_000_000)
        }
        _ => duration,
    }
}

/// Converts the error of a task that ended without a result: the task panicked or was aborted.
impl From<JoinError> for ServiceError {
    fn from(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::Panicked(panic_message(payload.as_ref())),
            Err(_) => Self::Cancelled,
        }
    }
}

/// Returns the message of a panic. `panic!("text")` carries a `&str`, and `panic!("{value}")`
/// carries a `String`. Other payloads are possible, but they contain no message.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "no message".to_owned()
    }
}

/// The phase of an attempt. A timeout error names the phase in which the time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The attempt was waiting for its turn, because too many requests were in flight.
    Queued,
    /// The attempt was looking up the name, or waiting for the connection.
    Connecting,
    /// The attempt was waiting for the end of the line.
    Reading,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "waiting for its turn",
            Self::Connecting => "connecting",
            Self::Reading => "waiting for its greeting",
        })
    }
}
