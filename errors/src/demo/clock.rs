//! Prints lines that start with the number of seconds since the demonstration started.

use std::process::exit;
use std::time::Duration;

use errors::ServiceError;
use tokio::time::Instant;

use crate::output;
use crate::pipe::is_closed_pipe;

/// The time at which the demonstration started.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts the clock.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Prints the title of a scene and what it shows.
    pub fn scene(self, title: &str, what_it_shows: &str) {
        print_line(&format!("\n{title}: {what_it_shows}"));
    }

    /// Prints the time, the request's name and how the request ended.
    pub fn say(self, name: &str, result: &Result<String, ServiceError>) {
        let ending = match result {
            Ok(line) => format!("greets with {line:?}"),
            Err(error) => format!("failed: {}", error.with_causes()),
        };
        print_line(&format!("{:5.2} s  {name:<10} {ending}", self.0.elapsed().as_secs_f64()));
    }
}

/// Prints how long something took.
pub fn print_duration(took: Duration) {
    print_line(&format!("         took {:.2} s", took.as_secs_f64()));
}

/// Prints a line. If nobody reads our output any more, as in `errors | head -1`, this function
/// ends the program.
pub fn print_line(line: &str) {
    if let Err(error) = output::print_line(line) {
        if is_closed_pipe(&error) {
            exit(0);
        }
        output::complain(&format!("cannot write to stdout: {error:#}"));
        exit(1);
    }
}
