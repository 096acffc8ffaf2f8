//! Prints what the user sees: the output of each command in one piece, the failures by name, and a
//! line with counts if stderr is a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::Output as Ended;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio::task::block_in_place;
use worker_pool::Stats;

/// Prints the output of commands, and a line that counts them.
pub struct Output {
    bar: ProgressBar,
}

impl Output {
    /// Creates the output. It shows the line with counts only if stderr is a terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if io::stderr().is_terminal() {
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar }
    }

    /// Prints the output of a command that has ended. Returns whether the command succeeded.
    ///
    /// # Errors
    /// Fails if stdout cannot be written.
    pub fn print(&mut self, item: &str, ended: &Ended) -> io::Result<bool> {
        // If nobody reads the pipe, this blocks. `block_in_place` lets the runtime move its other
        // work to another thread.
        let print = || {
            io::stdout().lock().write_all(&ended.stdout)?;
            // If stderr is closed, the user does not want to see the command's messages.
            let _ = io::stderr().lock().write_all(&ended.stderr);
            Ok::<_, io::Error>(())
        };
        block_in_place(|| self.bar.suspend(print))?;
        if !ended.status.success() {
            self.failed(item, &ended.status);
        }
        Ok(ended.status.success())
    }

    /// Reports that the command for a line has failed.
    pub fn failed(&mut self, item: &str, why: &dyn Display) {
        let print = || writeln!(io::stderr(), "worker-pool: {item}: {why}");
        let _ = block_in_place(|| self.bar.suspend(print));
    }

    /// Updates the counts.
    pub fn progress(&mut self, stats: &Stats) {
        self.bar.set_message(format!("{} running, {} done", stats.running, stats.finished()));
    }

    /// Removes the line with counts.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
