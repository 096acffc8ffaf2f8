//! The tool that the lesson builds: it runs a command for every line of stdin, a few commands at a
//! time.

mod command;
mod output;

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker_pool::{JobError, JobHandle, SubmitError, WorkerPool};

use command::{Ran, Template};
use output::Output;

/// The command that the user wants to run, and how to run it.
#[derive(Debug)]
pub struct Request {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// How long each command may run.
    pub timeout: Option<Duration>,
    /// Whether to print the output in the order of the lines.
    pub keep_order: bool,
}

/// The combined outcome of all commands.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every command ended with status 0.
    AllDone,
    /// Some commands failed, and each of them was reported with its line.
    SomeFailed,
    /// The command cannot be started for any line.
    CannotStart(String),
}

/// Runs the command once for every line of stdin. When `drain` is cancelled, this function reads no
/// more lines, and waits for the commands it has submitted. Aborting the pool kills these commands.
///
/// # Errors
/// Fails if stdin cannot be read or stdout cannot be written. In that case, the running commands
/// are killed.
pub async fn run(
    pool: Arc<WorkerPool>,
    request: Request,
    drain: CancellationToken,
) -> anyhow::Result<Outcome> {
    // Results that wait to be printed in order stay in memory, so we limit their number.
    let most_results = 4 * pool.workers();
    let mut run = Run {
        pool,
        template: Template::new(request.command),
        timeout: request.timeout,
        results: Results::new(request.keep_order),
        output: Output::new(),
        outcome: Outcome::AllDone,
    };
    let mut lines = lines_of_stdin();
    let mut reading = true;

    while reading || !run.results.is_empty() {
        let has_room = run.results.len() < most_results;
        tokio::select! {
            biased; // results before lines, because results make room for more lines
            () = drain.cancelled(), if reading => reading = false,
            Some((item, result)) = run.results.next(), if !run.results.is_empty() => {
                run.report(&item, result)?;
                if matches!(run.outcome, Outcome::CannotStart(_)) {
                    break;
                }
            }
            line = lines.recv(), if reading && has_room => {
                reading = match line {
                    Some(line) => run.submit(line?).await,
                    None => false,
                };
            }
        }
        run.output.progress(&run.pool.stats());
    }
    run.output.finish();
    run.pool.abort().await; // this ends the commands that are still running if we left the loop early
    Ok(run.outcome)
}

/// The commands under way, and the outcome so far.
struct Run {
    pool: Arc<WorkerPool>,
    template: Template,
    timeout: Option<Duration>,
    results: Results,
    output: Output,
    outcome: Outcome,
}

impl Run {
    /// Submits the command for a line, and waits for room in the queue if necessary. Returns
    /// whether we should read more lines.
    async fn submit(&mut self, line: Vec<u8>) -> bool {
        let item = command::text(line);
        let job = self.template.run(&item);
        let handle = match self.timeout {
            Some(limit) => self.pool.submit_with_timeout(limit, job).await,
            None => self.pool.submit(job).await,
        };
        match handle {
            Ok(handle) => {
                self.results.push(item.to_string_lossy().into_owned(), handle);
                true
            }
            // The pool was aborted, so it accepts no more commands.
            Err(SubmitError::Stopped | SubmitError::Full) => false,
        }
    }

    /// Prints the result of one command, and adds it to the outcome.
    fn report(&mut self, item: &str, result: Result<Ran, JobError>) -> io::Result<()> {
        match result {
            Ok(Ran::Ended(ended)) => {
                if !self.output.print(item, &ended)? {
                    self.outcome = Outcome::SomeFailed;
                }
            }
            Ok(Ran::NotStarted(error)) if self.template.is_hopeless(&error) => {
                let program = self.template.program();
                self.outcome = Outcome::CannotStart(format!("{program}: {error}"));
            }
            Ok(Ran::NotStarted(error)) => self.fail(item, &error),
            Err(error) => self.fail(item, &error),
        }
        Ok(())
    }

    fn fail(&mut self, item: &str, error: &dyn Display) {
        self.output.failed(item, error);
        self.outcome = Outcome::SomeFailed;
    }
}

type Named = std::pin::Pin<Box<dyn Future<Output = (String, Result<Ran, JobError>)> + Send>>;

/// The results of the commands under way: in the order of the lines, or as they arrive.
enum Results {
    Ordered(FuturesOrdered<Named>),
    Unordered(FuturesUnordered<Named>),
}

impl Results {
    fn new(keep_order: bool) -> Self {
        if keep_order {
            Self::Ordered(FuturesOrdered::new())
        } else {
            Self::Unordered(FuturesUnordered::new())
        }
    }

    fn push(&mut self, item: String, handle: JobHandle<Ran>) {
        let named: Named = Box::pin(async move { (item, handle.await) });
        match self {
            Self::Ordered(results) => results.push_back(named),
            Self::Unordered(results) => results.push(named),
        }
    }

    async fn next(&mut self) -> Option<(String, Result<Ran, JobError>)> {
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

/// Reads the lines of stdin, as bytes, on a plain thread. We do not use one of the runtime's
/// threads, because the runtime waits for its threads when it shuts down. If the next line never
/// came, the runtime would wait forever.
fn lines_of_stdin() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (lines, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::BufRead::split(io::stdin().lock(), b'\n') {
            if lines.blocking_send(line).is_err() {
                break; // the receiver was dropped
            }
        }
    });
    receiver
}
