//! The job for one line: runs the command, again if necessary, and limits how long it runs and how
//! much it prints.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::captured::{Captured, Slot};
use super::process::Processes;

/// How to run the commands.
#[derive(Debug)]
pub struct Commands {
    pub processes: Arc<Processes>,
    /// When this is cancelled, no more commands are started.
    pub stop: CancellationToken,
    pub timeout: Option<Duration>,
    pub retries: u32,
    pub max_output: u64,
    pub pace: Pace,
}

/// How the job for a line ended.
#[derive(Debug)]
pub enum End {
    /// The command ended with this status.
    Exited(ExitStatus),
    /// The command ran for longer than this, and was killed.
    TimedOut(Duration),
    /// The command printed more than this number of bytes, and was killed.
    TooMuchOutput(u64),
    /// The command could not be started.
    NotStarted(io::Error),
    /// The command was not started, because the program stops.
    Skipped,
}

impl End {
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "{status}"),
            Self::TimedOut(limit) => write!(f, "killed after {limit:?}"),
            Self::TooMuchOutput(limit) => {
                write!(f, "killed after it had printed {limit} bytes; see --max-output")
            }
            Self::NotStarted(error) => write!(f, "{error}"),
            Self::Skipped => write!(f, "not started"),
        }
    }
}

impl Commands {
    /// Runs the command for a line. Dropping the future kills the command. What the command prints
    /// is in `slot`, and stays there.
    pub async fn run(self: Arc<Self>, words: Vec<OsString>, slot: Slot) -> End {
        let mut end = End::Skipped;
        for _ in 0..=self.retries {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return end,
                () = self.pace.wait() => {}
            }
            end = self.attempt(&words, &slot).await;
            if end.is_success() || matches!(end, End::NotStarted(_)) {
                break;
            }
        }
        end
    }

    async fn attempt(&self, words: &[OsString], slot: &Slot) -> End {
        let end = async {
            // The files are created here and not on another thread: that takes less time than to
            // change threads.
            let captured = self.processes.patiently(Captured::new).await?;
            let start = || self.processes.start(words, &captured.stdout, &captured.stderr);
            let mut running = self.processes.patiently(start).await?;
            slot.begin(captured);
            let watched = async {
                tokio::select! {
                    status = running.wait() => status.map(End::Exited),
                    () = self.prints_too_much(slot) => Ok(End::TooMuchOutput(self.max_output)),
                }
            };
            match self.timeout {
                Some(limit) => timeout(limit, watched).await.unwrap_or(Ok(End::TimedOut(limit))),
                None => watched.await,
            }
            // If the command is still running, dropping `running` kills it.
        };
        let end: io::Result<End> = end.await;
        slot.end();
        end.unwrap_or_else(End::NotStarted)
    }

    /// Returns when the command has printed more than it may.
    async fn prints_too_much(&self, slot: &Slot) {
        let mut check = interval(Duration::from_millis(100));
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while slot.length() <= self.max_output {
            check.tick().await;
        }
    }
}

/// Keeps the starts of commands apart.
#[derive(Debug)]
pub struct Pace {
    delay: Option<Duration>,
    next: Mutex<Instant>,
}

impl Pace {
    pub fn new(delay: Option<Duration>) -> Self {
        Self { delay, next: Mutex::new(Instant::now()) }
    }

    /// Waits until the next command may start. If the future is dropped, its turn is lost.
    async fn wait(&self) {
        let Some(delay) = self.delay else { return };
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn.checked_add(delay).unwrap_or(turn);
            turn
        };
        sleep_until(turn).await;
    }
}
