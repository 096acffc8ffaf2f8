//! Writes to stdout and stderr.

use std::io::{self, Write};

use tokio::task::block_in_place;

use crate::printable::printable;

/// Prints a line to stdout.
///
/// Writing to a pipe blocks while the pipe is full. `block_in_place` tells the runtime that this
/// thread may block, so that the runtime moves its other work, such as waiting for Ctrl-C, to
/// another thread.
///
/// # Errors
/// Fails if the line cannot be written, for example because the pipe is closed.
pub fn print_line(line: &str) -> anyhow::Result<()> {
    block_in_place(|| writeln!(io::stdout(), "{line}"))?;
    Ok(())
}

/// Prints a line to stderr.
///
/// # Errors
/// Fails if the line cannot be written.
pub fn print_to_stderr(line: &str) -> anyhow::Result<()> {
    block_in_place(|| writeln!(io::stderr(), "{line}"))?;
    Ok(())
}

/// Prints an error message to stderr, in one line.
pub fn complain(problem: &str) {
    // If stderr is closed, there is nowhere left to report the problem.
    let _ = block_in_place(|| writeln!(io::stderr(), "errors: {}", printable(problem)));
}

/// A writer for the log. Writing to stderr can block, too, so the writer uses `block_in_place`, as
/// [`print_line`] does.
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        block_in_place(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
