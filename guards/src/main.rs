//! The program of lesson 4: runs one SQL statement on a SQLite database, and always closes the
//! database.
//!
//! Run with: `cargo run -p guards -- users.db "SELECT * FROM users"`

mod demo;
mod pipe;
mod timeline;
mod tool;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tokio::task::JoinError;

use pipe::is_closed_pipe;

/// Runs one SQL statement on a SQLite database, in a transaction, and prints its rows.
#[derive(Parser)]
#[command(after_help = "Examples:
  guards                                 a demonstration on a temporary database
  guards users.db                        the tables of a database
  guards users.db 'SELECT * FROM users WHERE name = ?' --param Ada
  guards users.db 'DELETE FROM users WHERE id = ?' --param 7 --write

Exit status: 0 done, 1 failed, 2 usage error, 130 interrupted. Unless it is 0, the database is
unchanged. After a second Ctrl-C, the program exits without waiting for the commit or the rollback.")]
struct Arguments {
    /// The database file, which must exist. Without it, the program runs a demonstration on a
    /// temporary database.
    database: Option<PathBuf>,
    /// The statement to run. By default, it lists the tables.
    #[arg(default_value = "SELECT type, name FROM sqlite_schema", hide_default_value = true)]
    sql: String,
    /// The value for the next `?` in the statement. Repeat the option for each `?`. A value that
    /// looks like a number is bound as a number.
    #[arg(long = "param", value_name = "VALUE", allow_hyphen_values = true, requires = "database")]
    params: Vec<String>,
    /// Allow the statement to change the database.
    #[arg(long, requires = "database")]
    write: bool,
    /// How long to wait if another program has locked the database, such as 500ms or 10s.
    #[arg(long, default_value = "2s", value_name = "TIME", requires = "database", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Print one JSON object per row instead of a table.
    #[arg(long, requires = "database")]
    json: bool,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "database")]
    timeline_svg: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let (is_demo, may_write) = (arguments.database.is_none(), arguments.write);
    // This installs the Ctrl-C handler, so it has to happen before the work begins.
    let mut interrupts = match interrupts() {
        Ok(interrupts) => interrupts,
        Err(error) => exit(report_failure(&error.into())),
    };
    let mut work = tokio::spawn(run(arguments));

    // The work runs to its end, or until the first Ctrl-C.
    let early_result = tokio::select! {
        result = &mut work => Some(result),
        _ = interrupts.recv() => None,
    };
    let interrupted = early_result.is_none();
    if interrupted {
        // SQLite stops, the statement fails, and we roll the transaction back and close the
        // database. The exception is a commit that is already under way, which SQLite finishes.
        tool::STOP.store(true, Relaxed);
        if is_demo {
            work.abort();
        }
    }

    // Either way, we wait until the database is closed. If another program has locked the file,
    // that may take a while; a second Ctrl-C ends the wait.
    let closed = async {
        let result = match early_result {
            Some(result) => result,
            None => work.await,
        };
        guards::finished().await;
        result
    };
    let code = tokio::select! {
        result = closed => exit_status(result, interrupted, may_write),
        _ = interrupts.recv() => INTERRUPTED,
    };
    exit(code);
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Some(path) = &arguments.database else {
        let timeline = demo::run().await?;
        return match arguments.timeline_svg {
            Some(path) => timeline.save_svg(&path).with_context(|| path.display().to_string()),
            None => Ok(()),
        };
    };
    tool::run(path, &arguments).await
}

/// The exit status after Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Returns the exit status, and reports the error if there is one. Work that was committed is a
/// success, even if Ctrl-C arrived during the commit.
fn exit_status(
    result: Result<anyhow::Result<()>, JoinError>,
    interrupted: bool,
    may_write: bool,
) -> i32 {
    match result {
        Ok(Ok(())) => 0,
        Err(error) if error.is_panic() => 101,
        Err(_) => INTERRUPTED,
        Ok(Err(_)) if interrupted => INTERRUPTED,
        // Nobody reads the output any more. A statement that only reads has done its job. But a
        // statement that should have changed something was rolled back, which is a failure.
        Ok(Err(error)) if is_closed_pipe(&error) && !may_write => 0,
        Ok(Err(error)) => report_failure(&error),
    }
}

/// Reports the error on stderr, and returns the exit status for a failure.
fn report_failure(error: &anyhow::Error) -> i32 {
    let _ = writeln!(io::stderr(), "guards: {}", one_line(error));
    1
}

/// Starts listening for Ctrl-C, and returns the stream of signals.
#[cfg(unix)]
fn interrupts() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

/// Starts listening for Ctrl-C, and returns the stream of signals.
#[cfg(windows)]
fn interrupts() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
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
