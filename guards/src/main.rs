//! The program of lesson 4: runs one SQL statement on a SQLite database that is closed for certain.
//!
//! Run with: `cargo run -p guards -- users.db "SELECT * FROM users"`

mod demo;
mod tool;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Runs one statement on a SQLite database and prints its rows, values apart by tabs.
#[derive(Parser)]
#[command(after_help = "Examples:
  guards                                 a demonstration on a database of its own
  guards users.db                        the tables of a database
  guards users.db 'SELECT * FROM users'

Exit status: 0 done, 1 failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// A database file, which must exist. Without it, a demonstration on a temporary one.
    database: Option<PathBuf>,
    /// What to run.
    #[arg(default_value = "SELECT type, name FROM sqlite_schema", hide_default_value = true)]
    sql: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Ctrl-C drops the other branch, and with it the guard, which starts the close.
    let outcome = tokio::select! {
        outcome = run(arguments) => Some(outcome),
        _ = tokio::signal::ctrl_c() => None,
    };
    guards::finished().await;
    match outcome {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("guards: {}", one_line(&error));
            ExitCode::FAILURE
        }
        None => ExitCode::from(130),
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.database {
        None => demo::run().await,
        Some(path) => tool::run(&path, arguments.sql).await,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// The error and its causes, each said once: sqlx's errors repeat their cause in their own text.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.ends_with(&cause) {
            line = if line.is_empty() { cause } else { format!("{line}: {cause}") };
        }
    }
    // A message of SQLite may quote a statement of several lines.
    line.replace('\n', " ")
}
