//! The program of lesson 3: reads the greetings of TCP services, and reports which of them fail
//! and why.
//!
//! Run with: `cargo run -p errors -- localhost:22 localhost:25`

mod arguments;
mod demo;
mod duration;
mod output;
mod pipe;
mod printable;
mod timeline;
mod tool;

use std::process::exit;

use clap::Parser;

use arguments::Arguments;

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let status = tokio::select! {
        // Poll the branches in this order, so that the Ctrl-C handler is installed before the work
        // begins.
        biased;
        _ = tokio::signal::ctrl_c() => 130,
        // The work runs in its own task. If we awaited it here, it would share this task with the
        // wait for Ctrl-C, and a write to a full pipe would block both.
        status = async { tokio::spawn(run(arguments)).await } => status.unwrap_or(101),
    };
    // If we returned from `main`, the runtime would wait for threads that cannot be stopped, such
    // as a thread that is looking up a name.
    exit(status);
}

/// Does the work and returns the exit status.
async fn run(arguments: Arguments) -> i32 {
    let result = if arguments.services.is_empty() {
        demo::run(arguments.timeline_svg.as_deref()).await.map(|()| true)
    } else {
        tool::run(&arguments).await
    };
    match result {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            1
        }
    }
}
