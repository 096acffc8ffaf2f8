//! The program of lesson 3: asks TCP services for their greeting and says which are up.
//!
//! Run with: `cargo run -p errors -- localhost:22 localhost:25`

mod demo;
mod tool;

use std::io::{self, Write};
use std::process::exit;
use std::time::Duration;

use clap::Parser;
use tokio::task::block_in_place;

/// Reads the greeting line of TCP services (SSH, SMTP, FTP and the like), side by side.
#[derive(Parser)]
#[command(after_help = "Examples:
  errors                                       a demonstration on services of its own
  errors localhost:22 mail.example:25          what is up, and why the others are not
  errors --wait 1m --fail-fast db:22 mail:25   until both answer, or a minute is over
  errors --any a.example:22 b.example:22       whichever answers first
  errors --default down localhost:22

Exit status: 0 all answered or replaced (with --any: one has answered), 1 some failed, 2 wrong call,
130 interrupted.")]
struct Arguments {
    /// Which services to ask. Without any, a demonstration on loopback services.
    #[arg(value_name = "HOST:PORT")]
    services: Vec<String>,
    /// The time for one attempt, connecting and greeting together, such as 500ms or 2s.
    #[arg(long, default_value = "3s", requires = "services", value_name = "TIME", value_parser = some_time)]
    timeout: Duration,
    /// How often to try again after a failure that may pass.
    #[arg(long, default_value_t = 0, requires = "services", value_name = "N")]
    retries: usize,
    /// Keep trying for this long, such as 30s or 5m, while failures are transient: a service that is
    /// still starting. Any other failure is final.
    #[arg(long, requires = "services", conflicts_with = "retries", value_name = "TIME", value_parser = some_time)]
    wait: Option<Duration>,
    /// What to print in place of the greeting of a service that failed.
    #[arg(long, requires = "services", conflicts_with_all = ["fail_fast", "any"], value_name = "TEXT")]
    default: Option<String>,
    /// Stop at the first failure, and cancel the rest.
    #[arg(long, requires = "services", conflicts_with = "any")]
    fail_fast: bool,
    /// Take the first that answers, and cancel the rest.
    #[arg(long, requires = "services")]
    any: bool,
    /// One JSON object a line for each service: service, greeting, error, kind.
    #[arg(long, requires = "services")]
    json: bool,
    /// Tell of each attempt on stderr.
    #[arg(short, long, requires = "services")]
    verbose: bool,
}

/// A duration that is none of zero.
fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("there must be some time".into()),
        other => other.map_err(|error| error.to_string()),
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let code = tokio::select! {
        biased; // the handler stands before the work begins
        _ = tokio::signal::ctrl_c() => 130,
        // In a task of its own, where a write to a full pipe does not keep Ctrl-C waiting.
        code = async { tokio::spawn(run(arguments)).await } => code.unwrap_or(101),
    };
    // Not a plain return: the runtime would wait for threads that nobody can stop, such as one
    // that looks up a name.
    exit(code);
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    let done = match arguments.services.is_empty() {
        true => demo::run().await.map(|()| true),
        false => tool::run(arguments).await,
    };
    match done {
        Ok(true) => 0,
        Ok(false) => 1,
        // Nobody reads on (`errors ... | head -1`): the end, not an error.
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

fn print_line(line: &str) -> io::Result<()> {
    // To a pipe that nobody empties this may block; the runtime then needs another thread for its
    // other work, Ctrl-C among it.
    block_in_place(|| writeln!(io::stdout(), "{line}"))
}

/// Says on stderr what went wrong, in one line; nothing where stderr is closed, too.
fn complain(error: &anyhow::Error) {
    let _ = block_in_place(|| writeln!(io::stderr(), "errors: {error:#}"));
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
