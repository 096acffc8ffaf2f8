//! The tool around the lesson: it asks the services from the command line, and reports on each of
//! them.

mod outcome;

use errors::greetings;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::time::uptime;

use crate::arguments::Arguments;
use crate::output::{Stderr, complain, print_line};
use crate::pipe::is_closed_pipe;
use outcome::Outcome;

/// Asks the services and reports on each of them. Returns `false` if any of them failed.
///
/// # Errors
/// Fails if writing to stdout fails, unless the reader has closed the pipe.
pub async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if arguments.verbose {
        log_to_stderr();
    }
    let results = greetings(&arguments.services, arguments.retry_policy(), arguments.until()).await;

    let is_any_enough = arguments.any && results.iter().any(Result::is_ok);
    let outcomes: Vec<_> = results
        .into_iter()
        .map(|result| Outcome::of(result, arguments.default.as_deref(), is_any_enough))
        .collect();
    print(&arguments.services, &outcomes, arguments.json)?;
    Ok(!outcomes.iter().any(Outcome::is_failure))
}

/// Starts a log of the attempts. Each line starts with the number of seconds since the program
/// started.
fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_timer(uptime())
        .with_target(false)
        .with_ansi(false)
        .with_writer(|| Stderr)
        .init();
}

/// Prints greetings and defaults to stdout, and failures to stderr.
fn print(services: &[String], outcomes: &[Outcome], json: bool) -> anyhow::Result<()> {
    let mut is_stdout_open = true;
    for (service, outcome) in services.iter().zip(outcomes) {
        let line = if json { Some(outcome.json(service)?) } else { outcome.line(service) };
        if let Some(line) = line
            && is_stdout_open
        {
            match print_line(&line) {
                Ok(()) => {}
                // The reader has closed the pipe, as in `errors ... | head -1`. We still report
                // the remaining failures on stderr.
                Err(error) if is_closed_pipe(&error) => is_stdout_open = false,
                Err(error) => return Err(error),
            }
        }
        if let Some(problem) = outcome.problem(service) {
            complain(&problem);
        }
    }
    Ok(())
}
