//! The program of lesson 4: runs one SQL statement on a SQLite database that is closed for certain.
//!
//! Run with: `cargo run -p guards -- users.db "SELECT * FROM users"`

mod demo;
mod tool;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use clap::Parser;
use tokio::signal::ctrl_c;
use tokio::task::JoinSet;

/// Runs one SQL statement on a SQLite database, in a transaction, and prints its rows.
#[derive(Parser)]
#[command(after_help = "Examples:
  guards                                 a demonstration on a database of its own
  guards users.db                        the tables of a database
  guards users.db 'SELECT * FROM users WHERE name = ?' --param Ada
  guards users.db 'DELETE FROM users WHERE id = ?' --param 7 --write

Exit status: 0 done, 1 failed, 2 wrong call, 130 interrupted. Unless it is 0, nothing has changed; a
second Ctrl-C does not wait to see.")]
struct Arguments {
    /// A database file, which must exist. Without it, a demonstration on a temporary one.
    database: Option<PathBuf>,
    /// What to run.
    #[arg(default_value = "SELECT type, name FROM sqlite_schema", hide_default_value = true)]
    sql: String,
    /// A value for the next `?` of the statement, once for each. What looks like a number is one.
    #[arg(long = "param", value_name = "VALUE", allow_hyphen_values = true, requires = "database")]
    params: Vec<String>,
    /// Let it change the database.
    #[arg(long, requires = "database")]
    write: bool,
    /// How long to wait where another program has locked the database, such as 500ms or 10s.
    #[arg(long, default_value = "2s", value_name = "TIME", requires = "database", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// One JSON object a line for each row, instead of a table.
    #[arg(long, requires = "database")]
    json: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let (is_demo, write) = (arguments.database.is_none(), arguments.write);
    // A set aborts its tasks when it is told to, and can be waited for.
    let mut work = JoinSet::new();
    let mut interrupted = false;
    let outcome = tokio::select! {
        biased; // the handler stands before the work begins
        _ = ctrl_c() => {
            // SQLite stops, the statement fails, and all is rolled back and closed; unless it was at
            // the commit, which is not for us to break off. Where a file is locked that may take its
            // time, and a second Ctrl-C does not wait for it.
            tool::STOP.store(true, Relaxed);
            interrupted = true;
            None
        }
        outcome = async { work.spawn(run(arguments)); work.join_next().await } => outcome,
    };
    if is_demo {
        work.abort_all();
    }
    let ended = async {
        let outcome = outcome.or(work.join_next().await);
        guards::finished().await;
        outcome
    };
    let outcome = tokio::select! {
        outcome = ended => outcome,
        _ = ctrl_c() => None,
    };
    let code = match outcome.and_then(Result::ok) {
        Some(Ok(())) => 0,
        None => 130,
        Some(Err(_)) if interrupted => 130,
        // Nobody reads on. Where it would have changed something, that has not come about.
        Some(Err(error)) if is_closed_pipe(&error) && !write => 0,
        Some(Err(error)) => {
            let _ = writeln!(io::stderr(), "guards: {}", one_line(&error));
            1
        }
    };
    exit(code);
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match &arguments.database {
        None => demo::run().await,
        Some(path) => tool::run(path, &arguments).await,
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
