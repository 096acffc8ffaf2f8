//! The tool around the lesson: it asks the services that the user names on the command line, and
//! reports on each of them.

mod outcome;

use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use errors::probe_all;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::time::uptime;

use crate::arguments::Arguments;
use crate::output::{Stderr, complain, print_line, print_to_stderr};
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
    let (probe, policy) = (arguments.probe(), arguments.retry_policy());
    let results = probe_all(probe, &arguments.services, policy, arguments.until()).await;

    let is_any_enough = arguments.any && results.iter().any(Result::is_ok);
    let outcomes: Vec<_> = results
        .into_iter()
        .map(|result| Outcome::of(result, arguments.default.as_deref(), is_any_enough))
        .collect();
    print(arguments, &outcomes)?;
    let is_up = !outcomes.iter().any(Outcome::is_failure);
    if is_up && let Some((program, rest)) = arguments.command.split_first() {
        run_instead(Command::new(program).args(rest))
            .with_context(|| Path::new(program).display().to_string())?;
    }
    Ok(is_up)
}

/// Runs a command in place of this program, so that signals reach the command. Returns only if the
/// command cannot be started. On a system that cannot replace a running program, starts the command
/// as a child, and exits with the child's status.
fn run_instead(command: &mut Command) -> io::Result<()> {
    #[cfg(unix)]
    {
        Err(std::os::unix::process::CommandExt::exec(command))
    }
    #[cfg(not(unix))]
    {
        std::process::exit(command.status()?.code().unwrap_or(1))
    }
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

/// Prints greetings and defaults to stdout, and failures to stderr. If a command follows, stdout is
/// reserved for the command, so greetings and defaults are printed to stderr as well.
fn print(arguments: &Arguments, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let print_line = if arguments.command.is_empty() { print_line } else { print_to_stderr };
    let mut is_stdout_open = true;
    for (service, outcome) in arguments.services.iter().zip(outcomes) {
        let line = match arguments.json {
            true => Some(outcome.json(service)?),
            false => outcome.line(service, arguments.probe()),
        };
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
