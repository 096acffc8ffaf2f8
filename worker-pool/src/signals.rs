//! Waits for the signals that ask a program to end.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, which the terminal sends after Ctrl-C.
    Interrupt,
    /// SIGTERM, which `kill` sends, and the system when it shuts down.
    Terminate,
    /// SIGHUP, which the system sends when the terminal is closed.
    HangUp,
}

impl Signal {
    /// Returns the exit status of a program that this signal has ended: 128 plus its number.
    pub fn exit_status(self) -> i32 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

#[cfg(unix)]
type Stream = tokio::signal::unix::Signal;
#[cfg(windows)]
type Stream = tokio::signal::windows::CtrlC;

/// Receives the signals from the moment of its creation. From then on, they no longer end the
/// program on their own.
pub struct Signals(Vec<(Signal, Stream)>);

impl Signals {
    /// Starts to receive. A signal that the program ignores because its parent asked for that, as
    /// `nohup` does, stays ignored.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let all = [
            (Signal::Interrupt, SignalKind::interrupt()),
            (Signal::Terminate, SignalKind::terminate()),
            (Signal::HangUp, SignalKind::hangup()),
        ];
        let wanted = all.into_iter().filter(|(_, kind)| !is_ignored(kind.as_raw_value()));
        wanted.map(|(name, kind)| Ok((name, signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    /// Starts to receive.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self(vec![(Signal::Interrupt, tokio::signal::windows::ctrl_c()?)]))
    }

    /// Waits for the next signal. Dropping the future loses none.
    pub async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (name, stream) in &mut self.0 {
                if stream.poll_recv(context).is_ready() {
                    return Poll::Ready(*name);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether the program ignores a signal. Only Linux shows this in a file; elsewhere we assume that
/// it does not.
#[cfg(unix)]
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}
