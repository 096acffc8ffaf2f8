//! The program of lesson 3: asks TCP services for their greeting and says which are up.
//!
//! Run with: `cargo run -p errors -- localhost:22 localhost:25`

mod demo;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

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
    #[arg(long, default_value = "3s", value_name = "TIME", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// What to print in place of the greeting of a service that cannot be reached.
    #[arg(long, value_name = "TEXT")]
    default: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::select! {
        outcome = run(arguments) => outcome,
        _ = tokio::signal::ctrl_c() => return ExitCode::from(130),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("errors: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.services.is_empty() {
        demo::run().await?;
        return Ok(ExitCode::SUCCESS);
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
                eprintln!("errors: {error:#} (the default stands in)");
                print_line(&format!("{service}  {text}"))?;
            }
            (Err(error), _) => {
                failed = true;
                eprintln!("errors: {error:#}");
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print_line(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
