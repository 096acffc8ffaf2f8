//! Every way to fail, and what may be done about it.

use std::fmt;
use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinError;

/// Why a service did not greet us.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The address is not of the form `HOST:PORT`.
    #[error("the address is not HOST:PORT")]
    BadAddress,
    /// The name has no address, or nobody could be asked for it.
    #[error("the name was not found")]
    NameNotFound(#[source] io::Error),
    /// Nobody took the connection: the port is closed, the host or the network is down.
    #[error("cannot connect")]
    CannotConnect(#[source] io::Error),
    /// The time was up.
    #[error("timed out after {after:?} while {phase}")]
    TimedOut {
        /// What it was doing then.
        phase: Phase,
        /// The time allowed for connecting and reading together.
        after: Duration,
    },
    /// The service hung up before its line was complete.
    #[error("the service hung up after {0} bytes")]
    ClosedEarly(usize),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// What came is no line of text.
    #[error("the service talks garbage: {0}")]
    Garbage(&'static str),
    /// The task that asked has panicked, with this message.
    #[error("the task panicked: {0}")]
    Panicked(String),
    /// It was cancelled: what others had done by then decided the matter.
    #[error("cancelled")]
    Cancelled,
}

impl ServiceError {
    /// Whether the same question may be answered a moment later, so that another try is worth it.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::CannotConnect(_) | Self::TimedOut { .. } => true,
            Self::ClosedEarly(_) | Self::Broken(_) => true,
            Self::BadAddress | Self::NameNotFound(_) | Self::Garbage(_) => false,
            Self::Panicked(_) | Self::Cancelled => false,
        }
    }

    /// Whether it is the service that failed, so that a default may stand in for its answer. A wrong
    /// address and a panic are mistakes of our own: a default would only hide them.
    pub fn is_of_the_service(&self) -> bool {
        !matches!(self, Self::BadAddress | Self::Panicked(_) | Self::Cancelled)
    }

    /// The kind of failure in one word, for programs to tell them apart.
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
}

/// Why a task has no result: it was aborted, or it panicked. A panic comes with what it said, where it
/// said it in words.
impl From<JoinError> for ServiceError {
    fn from(error: JoinError) -> Self {
        let Ok(payload) = error.try_into_panic() else { return Self::Cancelled };
        let said = payload.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| payload.downcast_ref::<&str>().copied());
        Self::Panicked(said.unwrap_or("no message").into())
    }
}

/// What was under way when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Waiting until others have been asked.
    Queued,
    /// Looking up the name, and connecting.
    Connecting,
    /// Waiting for the line to be complete.
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
