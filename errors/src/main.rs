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
mod runtime;
mod signals;
mod timeline;
mod tool;
mod usage;

use clap::Parser;

use arguments::Arguments;
use signals::run_until_signal;

fn main() {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| usage::report(&error));
    runtime::run("errors", run_until_signal("errors", run(arguments)));
}

/// Runs the demonstration or asks the services, and returns the exit status.
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
