//! The program of lesson 3: asks TCP services for their greeting and says which are up.
//!
//! Run with: `cargo run -p errors -- localhost:22 localhost:25`

mod demo;

use std::io::{self, Write};
use std::process::exit;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tokio::task::block_in_place;

/// Reads the greeting line of TCP services (SSH, SMTP, FTP and the like), side by side.
#[derive(Parser)]
#[command(after_help = "Examples:
  errors                                 a demonstration on services of its own
  errors localhost:22 mail.example:25
  errors --timeout 500ms --default down localhost:22

Exit status: 0 all answered or replaced, 1 some failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// Which services to ask. Without any, a demonstration on loopback services.
    #[arg(value_name = "HOST:PORT")]
    services: Vec<String>,
    /// The time for connecting and greeting together, such as 500ms or 2s.
    #[arg(long, default_value = "3s", requires = "services", value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// What to print in place of the greeting of a service that cannot be reached.
    #[arg(long, requires = "services", value_name = "TEXT")]
    default: Option<String>,
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
    match work(arguments).await {
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

/// Does the work and returns whether all of it succeeded.
async fn work(arguments: Arguments) -> anyhow::Result<bool> {
    if arguments.services.is_empty() {
        demo::run().await?;
        return Ok(true);
    }
    let results = errors::greetings(&arguments.services, arguments.timeout).await;
    let mut failed = false;
    for (service, result) in arguments.services.iter().zip(results) {
        let unreachable = result.as_ref().is_err_and(|error| error.is_unreachable());
        match (result.with_context(|| service.clone()), &arguments.default) {
            (Ok(greeting), _) => {
                // Control characters would let a service write all over the terminal.
                let greeting = greeting.replace(char::is_control, "\u{fffd}");
                print_line(&format!("{service}  {greeting}"))?;
            }
            (Err(error), Some(text)) if unreachable => {
                complain(&error.context("the default stands in"));
                print_line(&format!("{service}  {text}"))?;
            }
            (Err(error), _) => {
                failed = true;
                complain(&error);
            }
        }
    }
    Ok(!failed)
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
