//! The program of lesson 7: runs a command for every line of stdin, a few commands at a time.
//!
//! Run with: `ls | cargo run -p worker-pool -- -w 4 -- wc -l`

mod arguments;
mod demo;
mod duration;
mod pipe;
mod printable;
mod runtime;
mod signals;
mod size;
mod timeline;
mod tool;
mod usage;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use tokio::time::timeout;
use worker_pool::WorkerPool;

use arguments::Arguments;
use pipe::is_closed_pipe;
use printable::printable;
use signals::{Signal, Signals};
use tool::process::Processes;
use tool::{Early, Outcome};

fn main() {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| usage::report(&error));
    // If the user writes `-- $COMMAND` and the variable is empty, that is a mistake, not a request
    // for the demonstration.
    if arguments.command.is_empty() && std::env::args_os().any(|word| word == "--") {
        report("there is no command after --");
        exit(2);
    }
    runtime::run("worker-pool", run_until_signal(arguments));
}

/// Runs the program until it is finished or a signal ends it, and returns the exit status.
async fn run_until_signal(arguments: Arguments) -> i32 {
    let pool = match WorkerPool::new(arguments.workers()) {
        Ok(pool) => Arc::new(pool),
        Err(error) => {
            complain(&error.into());
            return 2;
        }
    };
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&error.into());
            return 1;
        }
    };
    let processes = Arc::new(Processes::default());
    #[cfg(unix)]
    stop_on_ctrl_z(Arc::clone(&processes));
    let early = Early::default();
    let mut work = tokio::spawn(run(pool, arguments, Arc::clone(&processes), early.clone()));

    let mut signal = tokio::select! {
        status = &mut work => {
            // After a panic, commands may still be running.
            processes.kill_all();
            return status.unwrap_or(101);
        }
        signal = signals.next() => signal,
    };
    if signal == Signal::Interrupt {
        early.stop.cancel();
        let running = processes.count();
        if running > 0 {
            report(&format!(
                "interrupted: starting no more commands, waiting for {running}; Ctrl-C again kills them"
            ));
        }
        signal = tokio::select! {
            _ = &mut work => {
                processes.kill_all();
                return signal.exit_status();
            }
            signal = signals.next() => signal,
        };
    }
    early.stop.cancel();
    early.kill.cancel();
    // Wait until the output of the killed commands has been printed. If nobody reads the output,
    // give up after two seconds or at the next signal.
    tokio::select! {
        _ = timeout(Duration::from_secs(2), work) => {}
        _ = signals.next() => {}
    }
    processes.kill_all();
    signal.exit_status()
}

/// From now on, also stops the commands when the user presses Ctrl-Z. Each command has a separate
/// process group, so the terminal itself stops only this program.
#[cfg(unix)]
fn stop_on_ctrl_z(processes: Arc<Processes>) {
    use tokio::signal::unix::{SignalKind, signal};
    let number = nix::sys::signal::Signal::SIGTSTP as i32;
    if signals::is_ignored(number) {
        return;
    }
    let Ok(mut ctrl_z) = signal(SignalKind::from_raw(number)) else { return };
    tokio::spawn(async move {
        while ctrl_z.recv().await.is_some() {
            processes.stop_and_continue();
        }
    });
}

/// Runs the commands or the demonstration, and returns the exit status.
async fn run(
    pool: Arc<WorkerPool>,
    arguments: Arguments,
    processes: Arc<Processes>,
    early: Early,
) -> i32 {
    let outcome = match arguments.command.is_empty() {
        true => tokio::select! {
            outcome = demonstrate(&pool, arguments.timeline_svg) => outcome.map(|()| Outcome::AllDone),
            () = early.stop.cancelled() => Ok(Outcome::AllDone),
        },
        false => tool::run(Arc::clone(&pool), arguments, processes, early).await,
    };
    pool.abort().await;
    match outcome {
        Ok(Outcome::AllDone) => 0,
        Ok(Outcome::SomeFailed) => 1,
        Ok(Outcome::CannotStart(why)) => {
            report(&why);
            2
        }
        Ok(Outcome::ReaderLeft(unfinished)) => {
            report(&format!("stdout was closed; commands that did not finish: {unfinished}"));
            1
        }
        // Nobody reads the demonstration's output any more.
        Err(error) if is_closed_pipe(&error) => 0,
        Err(error) => {
            complain(&error);
            1
        }
    }
}

async fn demonstrate(pool: &WorkerPool, timeline_svg: Option<PathBuf>) -> anyhow::Result<()> {
    let timeline = demo::run(pool).await?;
    match timeline_svg {
        Some(path) => timeline.save_svg(&path).with_context(|| path.display().to_string()),
        None => Ok(()),
    }
}

fn complain(error: &anyhow::Error) {
    report(&format!("{error:#}"));
}

/// Prints one line to stderr. If stderr is closed, the message is lost.
fn report(message: &str) {
    let _ = writeln!(io::stderr(), "worker-pool: {}", printable(message));
}
