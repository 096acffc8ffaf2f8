//! Prints the output of each command in one piece, the failures with their lines, and a line with
//! counts if stderr is a terminal.

use std::future::pending;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio::task::block_in_place;
use tokio::time::{Interval, interval};

use super::captured::Captured;
use crate::printable::printable;

/// Prints the output of commands, and a line that counts them.
pub struct Output {
    bar: ProgressBar,
    /// The number of commands that have succeeded.
    pub done: usize,
    failed: usize,
    /// The timer for the updates of the counts, or `None` if the line is hidden.
    ticks: Option<Interval>,
}

impl Output {
    /// Creates the output. It shows the line with counts only if stderr is a terminal that can move
    /// its cursor. Must be called inside a Tokio runtime.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        let is_visible = io::stderr().is_terminal()
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        if !is_visible {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let ticks = is_visible.then(|| interval(Duration::from_millis(100)));
        Self { bar, done: 0, failed: 0, ticks }
    }

    /// Waits until it is time to update the counts.
    pub async fn tick(&mut self) {
        match &mut self.ticks {
            Some(ticks) => _ = ticks.tick().await,
            None => pending().await,
        }
    }

    /// Prints a command's output.
    ///
    /// # Errors
    /// Fails if stdout cannot be written.
    pub fn print(&mut self, captured: &mut Captured) -> io::Result<()> {
        match captured.length {
            0 => Ok(()),
            _ => self.suspend(|| {
                captured.print()?;
                self.end_lines(captured)
            }),
        }
    }

    /// Prints one line to stdout.
    ///
    /// # Errors
    /// Fails if stdout cannot be written.
    pub fn print_line(&mut self, line: &str) -> io::Result<()> {
        self.suspend(|| writeln!(io::stdout(), "{line}"))
    }

    /// Reports that the command for a line has failed.
    pub fn failed(&mut self, message: &str) {
        self.failed += 1;
        let _ = self.suspend(|| writeln!(io::stderr(), "worker-pool: {message}"));
    }

    /// Removes the line with counts while `print` runs. If nobody reads the pipe, `print` blocks.
    /// `block_in_place` lets the runtime move its other work to another thread.
    fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        block_in_place(|| self.bar.suspend(print))
    }

    /// Ends the last line on a terminal. Otherwise, the line with counts would overwrite it.
    fn end_lines(&self, captured: &mut Captured) -> io::Result<()> {
        if self.ticks.is_some() {
            let [stdout, stderr] = captured.ends_within_a_line()?;
            if stderr || stdout && io::stdout().is_terminal() {
                writeln!(io::stderr())?;
            }
        }
        Ok(())
    }

    /// Updates the counts.
    pub fn progress(&mut self, running: usize) {
        let Self { done, failed, .. } = self;
        self.bar.set_message(format!("{running} running, {done} done, {failed} failed"));
        self.bar.tick();
    }

    /// Removes the line with counts.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Returns a line as it appears in messages: safe to print, and not too long.
pub fn shown(line: &[u8]) -> String {
    const LONGEST: usize = 60;
    let text = printable(&String::from_utf8_lossy(&line[..line.len().min(4 * LONGEST + 4)]));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
