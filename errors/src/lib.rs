//! Services that fail, each in its own way: what `try`/`except` around an `await` becomes.
//!
//! The risky operation is a real one: connect to a TCP service and read the line it greets with,
//! as SSH, SMTP and FTP servers do. Every kind of failure is a variant of one error type, so that
//! a caller can catch just the kinds it has an answer to, and the compiler knows them all.
//!
//! Run with: `cargo run -p errors`

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest greeting taken for one, in bytes with its line end. SMTP allows 512 (RFC 5321),
/// SSH 255 (RFC 4253). Whoever sends more without a line end must not fill our memory.
pub const MAX_GREETING: u64 = 1024;

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
}

impl ServiceError {
    /// Whether the service could not be reached at all: the kinds for which a default may stand in
    /// for the answer. A service that is there and talks nonsense is another matter, and a panic is
    /// a bug: a default would only hide them.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::NameNotFound(_) | Self::CannotConnect(_) => true,
            Self::TimedOut { phase, .. } => *phase == Phase::Connecting,
            _ => false,
        }
    }

    /// Whether the same question may be answered a moment later, so that another try is worth it.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::CannotConnect(_) | Self::TimedOut { .. } => true,
            Self::ClosedEarly(_) | Self::Broken(_) => true,
            Self::BadAddress | Self::NameNotFound(_) => false,
            Self::Garbage(_) | Self::Panicked(_) => false,
        }
    }
}

/// The part of its work that [`greeting`] was at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name, and connecting.
    Connecting,
    /// Waiting for the line to be complete.
    Reading,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Reading => "waiting for its greeting",
        })
    }
}

/// Connects to a service and returns the line it greets with, without its line end, within
/// `time_out` in all. Dropping the future closes the connection; a look-up of the name goes on, on a
/// thread of its own, since systems have no way to stop one.
///
/// # Errors
/// Each way it can fail is a variant of [`ServiceError`]; here it is never `Panicked`.
pub async fn greeting(address: &str, time_out: Duration) -> Result<String, ServiceError> {
    let start = Instant::now();
    let late = |phase| move |_| ServiceError::TimedOut { phase, after: time_out };

    // A time-out is a race: whichever is over first, the other is dropped.
    let stream = timeout(time_out, connect(address)).await.map_err(late(Phase::Connecting))??;
    let rest = time_out.saturating_sub(start.elapsed());
    timeout(rest, read_greeting(stream)).await.map_err(late(Phase::Reading))?
}

async fn connect(address: &str) -> Result<TcpStream, ServiceError> {
    let (host, port) = address.rsplit_once(':').ok_or(ServiceError::BadAddress)?;
    let port: u16 = port.parse().map_err(|_| ServiceError::BadAddress)?;
    if host.is_empty() || host.contains('/') {
        return Err(ServiceError::BadAddress);
    }
    // An IPv6 address stands in brackets: `[::1]:22`.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = lookup_host((host, port)).await.map_err(ServiceError::NameNotFound)?;
    let addresses: Vec<_> = addresses.collect();
    TcpStream::connect(addresses.as_slice()).await.map_err(ServiceError::CannotConnect)
}

async fn read_greeting(stream: TcpStream) -> Result<String, ServiceError> {
    let mut line = Vec::new();
    let mut bounded = BufReader::new(stream.take(MAX_GREETING));
    bounded.read_until(b'\n', &mut line).await.map_err(ServiceError::Broken)?;
    let Some(text) = line.strip_suffix(b"\n") else {
        return Err(match line.len() as u64 {
            MAX_GREETING.. => ServiceError::Garbage("no line end in the first 1024 bytes"),
            _ => ServiceError::ClosedEarly(line.len()),
        });
    };
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    String::from_utf8(text.to_vec()).map_err(|_| ServiceError::Garbage("not UTF-8"))
}

/// Runs a check in a task of its own, so that a panic in it is one more kind of failure and not the
/// end of its caller. Dropping the future aborts the task.
///
/// # Errors
/// The check's own, and [`ServiceError::Panicked`].
pub async fn contain<T: Send + 'static>(
    check: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
) -> Result<T, ServiceError> {
    // A plain `tokio::spawn` would go on after its handle is dropped. A set, even of one, aborts.
    let mut task = JoinSet::new();
    task.spawn(check);
    match task.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(ServiceError::Panicked(panic_message(error))),
        None => unreachable!("the set holds the one task until it has been joined"),
    }
}

/// How many services [`greetings`] asks at a time: each takes a socket, and a process has only so
/// many. Without a bound, our own want of sockets would look like services that are down.
pub const AT_ONCE: usize = 64;

/// Asks all services side by side, at most [`AT_ONCE`] at a time, and returns one result for each,
/// in the order of `addresses`: every failure is collected, none hides another. Dropping the future
/// aborts what is under way.
pub async fn greetings(
    addresses: &[String],
    time_out: Duration,
) -> Vec<Result<String, ServiceError>> {
    stream::iter(addresses.iter().cloned())
        .map(|address| contain(async move { greeting(&address, time_out).await }))
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// What a panicking task said, where it said it in words.
fn panic_message(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => payload.downcast_ref::<&str>().unwrap_or(&"no message").to_string(),
        },
        Err(cancelled) => cancelled.to_string(),
    }
}
