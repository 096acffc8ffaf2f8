//! The tool around the lesson: a command for every line of stdin, so many at a time.

mod command;
mod output;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker_pool::{JobError, JobHandle, WorkerPool};

use command::{Ran, Template};
use output::Output;

/// What the user has asked for.
#[derive(Debug)]
pub struct Request {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// How long each may run.
    pub timeout: Option<Duration>,
    /// Whether output comes in the order of the lines.
    pub keep_order: bool,
}

/// What has become of all of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every command ended with status 0.
    AllDone,
    /// Some did not; each was named.
    SomeFailed,
    /// The command cannot be started at all.
    CannotStart(String),
}

/// Runs the command once for every line of stdin. When `drain` is cancelled, no more lines are
/// taken, and the commands that run are waited for. Aborting the pool kills them.
///
/// # Errors
/// Where stdin cannot be read or stdout not be written; commands still running are killed then.
pub async fn run(
    pool: Arc<WorkerPool>,
    request: Request,
    drain: CancellationToken,
) -> anyhow::Result<Outcome> {
    let most_results = 4 * pool.workers();
    let template = Template::new(request.command);
    let mut lines = lines_of_stdin();
    let mut results = Results::new(request.keep_order);
    let mut output = Output::new();
    let mut outcome = Outcome::AllDone;
    let mut reading = true;

    while reading || !results.is_empty() {
        // Results that wait to be printed in order are held in memory: only so many.
        let wants_more = reading && results.len() < most_results;
        tokio::select! {
            biased;
            () = drain.cancelled(), if reading => reading = false,
            Some((item, result)) = results.next(), if !results.is_empty() => {
                match result {
                    Ok(Ran::Ended(ended)) => {
                        if !output.print(&item, &ended)? {
                            outcome = Outcome::SomeFailed;
                        }
                    }
                    Ok(Ran::NotStarted(why)) if template.is_hopeless(&why) => {
                        outcome = Outcome::CannotStart(format!("{}: {why}", template.program()));
                        break;
                    }
                    Ok(Ran::NotStarted(why)) => {
                        output.failed(&item, &why);
                        outcome = Outcome::SomeFailed;
                    }
                    Err(error) => {
                        output.failed(&item, &error);
                        outcome = Outcome::SomeFailed;
                    }
                }
            }
            line = lines.recv(), if wants_more => match line {
                Some(line) => {
                    let item = command::text(line?);
                    let job = template.run(&item);
                    let handle = match request.timeout {
                        Some(limit) => pool.submit_with_timeout(limit, job).await,
                        None => pool.submit(job).await,
                    };
                    // Refused: the pool was aborted meanwhile.
                    match handle {
                        Ok(handle) => results.push(item.to_string_lossy().into_owned(), handle),
                        Err(_) => reading = false,
                    }
                }
                None => reading = false,
            },
        }
        output.progress(&pool.stats());
    }
    output.finish();
    pool.abort().await; // nothing runs any more, unless we left early
    Ok(outcome)
}

type Named = std::pin::Pin<Box<dyn Future<Output = (String, Result<Ran, JobError>)> + Send>>;

/// The results to come, in the order of the lines or in the order in which they come.
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

/// The lines of stdin, as bytes, read on a thread of their own: the runtime waits for its blocking
/// threads when it ends, and one that waits for a line that never comes would keep us from ending.
fn lines_of_stdin() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (lines, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::BufRead::split(io::stdin().lock(), b'\n') {
            if lines.blocking_send(line).is_err() {
                break; // nobody wants more
            }
        }
    });
    receiver
}
