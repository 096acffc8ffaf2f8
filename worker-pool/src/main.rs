//! The program of exercise 3: runs a command for every line of stdin, so many at a time.
//!
//! Run with: `ls | cargo run -p worker-pool -- -w 4 -- wc -l`

mod demo;
mod tool;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tool::Outcome;
use worker_pool::WorkerPool;

/// Runs a command for every line of stdin, a number of them at a time.
#[derive(Parser)]
#[command(after_help = "Examples:
  worker-pool                            a demonstration: ten jobs on three workers
  ls *.png | worker-pool -w 4 -- optipng
  seq 10 | worker-pool -- sh -c 'echo {} squared is $(({} * {}))'

Exit status: 0 all succeeded, 1 some failed, 2 wrong call, 130 interrupted.")]
struct Arguments {
    /// How many commands may run at once.
    #[arg(short, long, default_value = "3", value_name = "N")]
    workers: u16,
    /// What to run: {} stands for the line; without a {} it is added as the last argument.
    /// Without a command, a demonstration.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::select! {
        outcome = run(arguments) => outcome,
        // The end of the runtime drops the jobs, and with them kills their processes.
        _ = tokio::signal::ctrl_c() => return ExitCode::from(130),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worker-pool: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let pool = match WorkerPool::new(arguments.workers.into()) {
        Ok(pool) => pool,
        Err(error) => {
            eprintln!("worker-pool: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    if arguments.command.is_empty() {
        demo::run(pool, arguments.workers).await?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(match tool::run(pool, &arguments.command).await? {
        Outcome::AllDone => ExitCode::SUCCESS,
        Outcome::SomeFailed => ExitCode::FAILURE,
        Outcome::CannotStart(why) => {
            eprintln!("worker-pool: {why}");
            ExitCode::from(2)
        }
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
