//! The program of lesson 4: runs one SQL statement on a SQLite database, and always closes the
//! database.
//!
//! Run with: `cargo run -p guards -- users.db "SELECT * FROM users"`

mod arguments;
mod demo;
mod duration;
mod pipe;
mod printable;
mod runtime;
mod signals;
mod timeline;
mod tool;
mod usage;

use std::future::pending;
use std::io::{self, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Context;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use arguments::Arguments;
use pipe::is_closed_pipe;
use printable::printable;
use signals::{Signal, Signals};

fn main() {
    let arguments = Arguments::from_command_line();
    runtime::run("guards", run_until_signal(arguments));
}

/// Runs the program until it is finished or a signal ends it, and returns the exit status.
async fn run_until_signal(arguments: Arguments) -> i32 {
    // Listen for signals before doing anything else. From here on, they no longer end the program
    // on their own.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return report_failure(&error.into()),
    };
    // While we read the statement from stdin, the database is not open yet, so a signal may end the
    // program immediately.
    let sql = tokio::select! {
        sql = statement(&arguments.sql) => sql,
        signal = signals.next() => return signal.exit_status(),
    };
    let sql = match sql {
        Ok(sql) => sql,
        Err(error) => return report_failure(&error),
    };
    let (is_demo, may_write) = (arguments.database.is_none(), arguments.write);
    let mut work = tokio::spawn(run(arguments, sql));

    // The work runs to its end, or until the first signal.
    let (early_result, signal) = tokio::select! {
        result = &mut work => (Some(result), None),
        signal = signals.next() => (None, Some(signal)),
    };
    if signal.is_some() {
        // SQLite stops, the statement fails, and we roll the transaction back and close the
        // database. The exception is a commit that is already under way, which SQLite finishes.
        tool::STOP.store(true, Relaxed);
        if is_demo {
            work.abort();
        }
    }

    // Either way, we wait until the database is closed. If another program has locked the file, or
    // nobody reads our output, that may take a while. A second signal ends the wait. After a signal
    // that nobody is likely to repeat, the wait ends after five seconds. If the program ends before
    // the rollback, SQLite undoes the transaction when another program opens the database for
    // writing.
    let closed = async {
        let result = match early_result {
            Some(result) => result,
            None => work.await,
        };
        guards::finished().await;
        result
    };
    let patience = async {
        match signal {
            None | Some(Signal::Interrupt) => pending().await,
            Some(signal) => {
                sleep(Duration::from_secs(5)).await;
                signal
            }
        }
    };
    tokio::select! {
        result = closed => exit_status(result, signal, may_write),
        signal = signals.next() => signal.exit_status(),
        signal = patience => signal.exit_status(),
    }
}

/// Returns the statement to run. If `sql` is `-`, reads the statement from stdin.
async fn statement(sql: &str) -> anyhow::Result<String> {
    if sql != "-" {
        return Ok(sql.to_owned());
    }
    let read = spawn_blocking(|| io::read_to_string(io::stdin()));
    read.await?.context("cannot read the statement from stdin")
}

async fn run(arguments: Arguments, sql: String) -> anyhow::Result<()> {
    let Some(path) = &arguments.database else {
        let timeline = demo::run().await?;
        return match arguments.timeline_svg {
            Some(path) => timeline.save_svg(&path).with_context(|| path.display().to_string()),
            None => Ok(()),
        };
    };
    tool::run(path, &sql, &arguments).await
}

/// Returns the exit status, and reports the error if there is one. If the work was committed, that
/// is a success, even if a signal arrived during the commit.
fn exit_status(
    result: Result<anyhow::Result<()>, JoinError>,
    signal: Option<Signal>,
    may_write: bool,
) -> i32 {
    match (result, signal) {
        (Ok(Ok(())), _) => 0,
        (Err(error), _) if error.is_panic() => 101,
        (_, Some(signal)) => signal.exit_status(),
        (Err(error), None) => report_failure(&error.into()),
        // Nobody reads the output any more. If the statement only reads, nothing is lost. But a
        // statement that should have changed something was rolled back, which is a failure.
        (Ok(Err(error)), None) if is_closed_pipe(&error) && !may_write => 0,
        (Ok(Err(error)), None) => report_failure(&error),
    }
}

/// Reports the error on stderr, and returns the exit status for a failure.
fn report_failure(error: &anyhow::Error) -> i32 {
    let _ = writeln!(io::stderr(), "guards: {}", printable(&one_line(error)));
    1
}

/// Returns the error and its causes on one line. Skips a cause that the line already ends with,
/// because sqlx's messages include their causes.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.ends_with(&cause) {
            line = if line.is_empty() { cause } else { format!("{line}: {cause}") };
        }
    }
    // SQLite may quote a statement that spans several lines.
    line.replace('\n', " ")
}
