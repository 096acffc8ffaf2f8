//! Waits for the signals that ask a program to end.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::future::poll_fn;
use std::io::{self, Write};
use std::task::Poll;

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, which the terminal sends after Ctrl-C.
    Interrupt,
    /// SIGTERM, which `kill` sends by default, and which the system sends when it shuts down.
    Terminate,
    /// SIGQUIT, which the terminal sends after Ctrl-\.
    Quit,
    /// SIGHUP, which the system sends when the terminal is closed.
    HangUp,
}

impl Signal {
    /// Returns the exit status of a program that this signal has ended: 128 plus the signal's
    /// number.
    pub fn exit_status(self) -> i32 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Quit => 131,
            Self::Terminate => 143,
        }
    }
}

#[cfg(unix)]
type Stream = tokio::signal::unix::Signal;
#[cfg(windows)]
type Stream = tokio::signal::windows::CtrlC;

/// Receives these signals. Once this value has been created, the signals no longer end the program
/// on their own.
pub struct Signals(Vec<(Signal, Stream)>);

impl Signals {
    /// Starts to receive the signals. If the parent process has made the program ignore a signal,
    /// as `nohup` does, that signal stays ignored.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let all = [
            (Signal::Interrupt, SignalKind::interrupt()),
            (Signal::Quit, SignalKind::quit()),
            (Signal::Terminate, SignalKind::terminate()),
            (Signal::HangUp, SignalKind::hangup()),
        ];
        let wanted = all.into_iter().filter(|(_, kind)| !is_ignored(kind.as_raw_value()));
        wanted.map(|(name, kind)| Ok((name, signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    /// Starts to receive Ctrl-C.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self(vec![(Signal::Interrupt, tokio::signal::windows::ctrl_c()?)]))
    }

    /// Waits for the next signal. If the future is dropped, no signal is lost.
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

/// Does the work until it is done or until a signal arrives, and returns the exit status.
#[allow(dead_code, reason = "some lessons have more to do when a signal arrives")]
pub async fn run_until_signal(
    program: &str,
    work: impl Future<Output = i32> + Send + 'static,
) -> i32 {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{program}: cannot receive signals: {error}");
            return 1;
        }
    };
    tokio::select! {
        signal = signals.next() => signal.exit_status(),
        // The work runs in its own task. If we awaited it here, it would share this task with the
        // wait for signals, and a write to a full pipe would block both.
        status = async { tokio::spawn(work).await } => status.unwrap_or(101),
    }
}

/// Whether the program ignores a signal. Linux shows this in a file. On other systems, we assume
/// that the program does not ignore any signal.
#[cfg(unix)]
pub fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}
