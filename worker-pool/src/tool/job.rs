//! The job for one line: runs the command, retries it if necessary, and limits how long the command
//! runs and how much it prints.

use std::ffi::OsString;
use std::fmt;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::captured::Captured;
use super::process::{Processes, Running};

/// The settings for running the commands.
#[derive(Debug)]
pub struct Commands {
    pub processes: Arc<Processes>,
    /// When this is cancelled, no more commands are started.
    pub stop: CancellationToken,
    /// When this is cancelled, the running commands are killed.
    pub kill: CancellationToken,
    pub timeout: Option<Duration>,
    pub retries: u32,
    /// Whether to stop starting commands once a command has failed.
    pub fail_fast: bool,
    pub max_output: u64,
    pub pace: Pace,
}

/// The outcome of the job for a line.
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
    /// The command wanted to use the terminal, and was killed.
    WantsTerminal,
    /// The command's output could not be stored, for example because the disk is full. The command
    /// was killed.
    NotCaptured(io::Error),
    /// The command was killed, because the program is ending.
    Killed,
    /// The command was not started, because the program is stopping.
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
                write!(f, "killed because it printed more than {limit} bytes; see --max-output")
            }
            Self::NotStarted(error) => write!(f, "{error}"),
            Self::NotCaptured(error) => {
                let folder = std::env::temp_dir();
                write!(f, "killed: its output cannot be stored in {}: {error}", folder.display())
            }
            Self::WantsTerminal => write!(
                f,
                "killed, because it wanted to use the terminal; commands run in the background"
            ),
            Self::Killed => write!(f, "killed"),
            Self::Skipped => write!(f, "not started"),
        }
    }
}

impl Commands {
    /// Runs the command for a line. Returns how the last attempt ended, and its output. Dropping
    /// the future kills the command.
    pub async fn run(self: Arc<Self>, words: Vec<OsString>) -> (End, Captured) {
        let (mut end, mut captured) = (End::Skipped, Captured::new());
        for _ in 0..=self.retries {
            let started = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                started = self.start(&words) => started,
            };
            captured = Captured::new();
            end = match started {
                Ok(running) => {
                    self.watch(running, &mut captured).await.unwrap_or_else(End::NotCaptured)
                }
                Err(error) => End::NotStarted(error),
            };
            if end.is_success() || matches!(end, End::NotStarted(_)) {
                break;
            }
        }
        // Cancel `stop` here, before this worker can start its next job.
        if self.fail_fast && !end.is_success() {
            self.stop.cancel();
        }
        (end, captured)
    }

    /// Waits until the command may start, and starts it. If the future is dropped, the command does
    /// not start.
    async fn start(&self, words: &[OsString]) -> io::Result<Running> {
        self.pace.wait().await;
        self.processes.patiently(|| self.processes.start(words)).await
    }

    /// Waits until the command has ended or has to be killed.
    async fn watch(&self, mut running: Running, captured: &mut Captured) -> io::Result<End> {
        let (mut stdout, mut stderr) = running.take_pipes();
        let mut timeout = pin!(async {
            match self.timeout {
                Some(limit) => sleep(limit).await,
                None => pending().await,
            }
        });
        let mut wants_terminal = pin!(running.wants_terminal());
        let end = loop {
            tokio::select! {
                status = running.wait() => break End::Exited(status?),
                () = &mut timeout => break End::TimedOut(self.timeout.unwrap_or_default()),
                () = self.kill.cancelled() => break End::Killed,
                () = &mut wants_terminal => break End::WantsTerminal,
                bytes = stdout.next() => captured.add_stdout(bytes)?,
                bytes = stderr.next() => captured.add_stderr(bytes)?,
            }
            if captured.length > self.max_output {
                break End::TooMuchOutput(self.max_output);
            }
        };
        // If the command is still running, dropping `running` kills it.
        drop(running);
        captured.finish(stdout, stderr, self.max_output).await?;
        Ok(end)
    }
}

/// Makes sure that commands start at least `delay` apart.
#[derive(Debug)]
pub struct Pace {
    delay: Option<Duration>,
    next: Mutex<Instant>,
}

impl Pace {
    pub fn new(delay: Option<Duration>) -> Self {
        Self { delay, next: Mutex::new(Instant::now()) }
    }

    /// Waits until the next command may start. If the future is dropped, its turn is lost: the
    /// command after it does not start any earlier.
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
