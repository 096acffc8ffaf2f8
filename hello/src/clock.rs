//! Prints lines that start with the number of seconds since the program started.

use std::io::{ErrorKind, Write, stderr, stdout};

use tokio::time::Instant;

/// The time at which the program started.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts the clock.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Prints the title of a scene.
    pub fn title(self, text: &str) {
        print_line(&format!("\n{text}"));
    }

    /// Prints a line that starts with the time.
    pub fn say(self, text: &str) {
        print_line(&format!("{:6.2} s  {text}", self.0.elapsed().as_secs_f64()));
    }
}

/// Prints a line. If nobody reads our output any more, as in `hello | head -1`, `println!` would
/// panic, and this function ends the program quietly instead.
pub fn print_line(line: &str) {
    if let Err(error) = writeln!(stdout(), "{line}") {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        let _ = writeln!(stderr(), "hello: cannot write to stdout: {error}");
        std::process::exit(1);
    }
}
