//! The tool that the lesson builds: it runs a command for every line of stdin, a few commands at a
//! time.

mod captured;
mod job;
mod lines;
mod output;
pub mod process;
mod template;

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use tokio_util::sync::CancellationToken;
use worker_pool::{JobError, JobHandle, WorkerPool};

use crate::arguments::Arguments;
use captured::Captured;
use job::{Commands, End, Pace};
use lines::Lines;
use output::Output;
use process::Processes;
use template::{Template, quoted};

/// The combined outcome of all commands.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every command ended with status 0.
    AllDone,
    /// Some commands failed or were not started, and each of them was reported with its line.
    SomeFailed,
    /// The command cannot be started for any line.
    CannotStart(String),
    /// Nobody reads our output any more. This many lines were read, but their commands did not
    /// finish.
    ReaderLeft(usize),
}

/// The two ways to end a run early.
#[derive(Debug, Clone, Default)]
pub struct Early {
    /// When this is cancelled, no more lines are read, and no more commands are started.
    pub stop: CancellationToken,
    /// When this is cancelled, the running commands are killed.
    pub kill: CancellationToken,
}

/// Runs the command once for every line of stdin. If this returns early, commands may still be
/// running; aborting the pool kills them.
///
/// # Errors
/// Fails if stdout cannot be written.
pub async fn run(
    pool: Arc<WorkerPool>,
    arguments: Arguments,
    processes: Arc<Processes>,
    Early { stop, kill }: Early,
) -> anyhow::Result<Outcome> {
    // A result may have to wait until its output can be printed. Until then, the result keeps its
    // files open, so we limit the number of results.
    let most_results = (4 * pool.workers()).min(handles() / HANDLES_PER_RESULT).max(1);
    let mut lines = Lines::of_stdin(if arguments.null { 0 } else { b'\n' }, arguments.max_line)?;
    let mut run = Run {
        pool,
        template: Template::new(arguments.command),
        commands: Arc::new(Commands {
            processes,
            stop: stop.clone(),
            kill,
            timeout: arguments.timeout,
            retries: arguments.retries,
            fail_fast: arguments.fail_fast,
            max_output: arguments.max_output,
            pace: Pace::new(arguments.delay),
        }),
        dry_run: arguments.dry_run,
        has_run: false,
        lines: 0,
        results: Results::new(arguments.keep_order),
        output: Output::new(),
        outcome: Outcome::AllDone,
    };
    let mut reading = true;

    while reading || !run.results.is_empty() {
        let has_room = run.results.len() < most_results;
        tokio::select! {
            biased; // results before lines, because results make room for more lines
            () = stop.cancelled(), if reading => reading = false,
            Some(result) = run.results.next(), if !run.results.is_empty() => {
                let unfinished = run.results.len();
                match run.report(result) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        run.outcome = Outcome::ReaderLeft(unfinished);
                    }
                    reported => reported?,
                }
            }
            line = lines.next(), if reading && has_room => {
                reading = match line {
                    Ok(Some(line)) => run.submit(&line).await?,
                    Ok(None) => false,
                    Err(error) => {
                        run.fail(&format!("{error:#}"));
                        false
                    }
                };
            }
            () = run.output.tick() => {}
        }
        if matches!(run.outcome, Outcome::CannotStart(_) | Outcome::ReaderLeft(_)) {
            break;
        }
        run.output.progress(run.commands.processes.count());
    }
    run.output.finish();
    Ok(run.outcome)
}

/// The commands under way, and the outcome so far.
struct Run {
    pool: Arc<WorkerPool>,
    template: Template,
    commands: Arc<Commands>,
    dry_run: bool,
    /// Whether at least one command has run to its end.
    has_run: bool,
    /// The number of lines read so far.
    lines: u64,
    results: Results,
    output: Output,
    outcome: Outcome,
}

impl Run {
    /// Submits the command for a line, and waits for room in the queue if necessary. Returns
    /// whether we should read more lines.
    async fn submit(&mut self, line: &[u8]) -> io::Result<bool> {
        self.lines += 1;
        let words = self.template.words(line, self.lines);
        if self.dry_run {
            self.output.print_line(&quoted(&words))?;
            return Ok(true);
        }
        let job = Arc::clone(&self.commands).run(words);
        // The pool accepts no more jobs once it has been aborted.
        let Ok(handle) = self.pool.submit(job).await else { return Ok(false) };
        self.results.push(output::shown(line), handle);
        Ok(true)
    }

    /// Prints the result of one command, and adds it to the outcome.
    ///
    /// # Errors
    /// Fails if stdout cannot be written.
    fn report(&mut self, (line, result): Finished) -> io::Result<()> {
        let end = match result {
            Ok((end, mut captured)) => {
                self.output.print(&mut captured)?;
                end
            }
            Err(error) => {
                self.fail(&format!("{line}: {error}"));
                return Ok(());
            }
        };
        self.has_run |= matches!(end, End::Exited(_));
        match end {
            end if end.is_success() => self.output.done += 1,
            End::NotStarted(error) if self.is_hopeless(&error) => {
                self.outcome =
                    Outcome::CannotStart(format!("{}: {error}", self.template.program()));
            }
            end => self.fail(&format!("{line}: {end}")),
        }
        Ok(())
    }

    /// Returns whether this error means that the command cannot be started for any line.
    fn is_hopeless(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{NotFound, PermissionDenied};
        let is_missing = matches!(error.kind(), NotFound | PermissionDenied);
        is_missing && self.template.has_fixed_program() && !self.has_run
    }

    fn fail(&mut self, message: &str) {
        self.output.failed(message);
        self.outcome = Outcome::SomeFailed;
    }
}

/// A command that has ended: its line, as messages show it, and the command's result.
type Finished = (String, Result<(End, Captured), JobError>);

type Pending = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// The results of the commands under way: in the order of the lines, or as they arrive.
enum Results {
    Ordered(FuturesOrdered<Pending>),
    Unordered(FuturesUnordered<Pending>),
}

impl Results {
    fn new(keep_order: bool) -> Self {
        if keep_order {
            Self::Ordered(FuturesOrdered::new())
        } else {
            Self::Unordered(FuturesUnordered::new())
        }
    }

    fn push(&mut self, line: String, handle: JobHandle<(End, Captured)>) {
        let pending: Pending = Box::pin(async move { (line, handle.await) });
        match self {
            Self::Ordered(results) => results.push_back(pending),
            Self::Unordered(results) => results.push(pending),
        }
    }

    async fn next(&mut self) -> Option<Finished> {
        match self {
            Self::Ordered(results) => results.next().await,
            Self::Unordered(results) => results.next().await,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Ordered(results) => results.len(),
            Self::Unordered(results) => results.len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The number of handles that a command may need: two for each of its two pipes while it starts,
/// one to wait for the command, and two for its files if its output is long.
const HANDLES_PER_RESULT: usize = 7;

/// Returns the number of handles that we may use for commands.
fn handles() -> usize {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit};
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1024, 1024));
        // The program itself needs about 20 handles.
        usize::try_from(soft).unwrap_or(usize::MAX).saturating_sub(32)
    }
    #[cfg(not(unix))]
    {
        usize::MAX
    }
}
