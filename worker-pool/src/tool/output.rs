//! What the user sees: the output of each command in one piece, failures by name, and on a
//! terminal a line that counts.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::Output as Ended;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use tokio::task::block_in_place;
use worker_pool::Stats;

/// Prints what commands have printed, and counts them.
pub struct Output {
    bar: ProgressBar,
}

impl Output {
    /// Shows a counting line only where stderr is a terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if io::stderr().is_terminal() {
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar }
    }

    /// Prints the output of a command that has ended; returns whether it succeeded.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub fn print(&mut self, item: &str, ended: &Ended) -> io::Result<bool> {
        // Nobody may empty the pipe, and then this blocks: the runtime needs another thread.
        let print = || {
            io::stdout().lock().write_all(&ended.stdout)?;
            // Nobody has to read stderr.
            let _ = io::stderr().lock().write_all(&ended.stderr);
            Ok::<_, io::Error>(())
        };
        block_in_place(|| self.bar.suspend(print))?;
        if !ended.status.success() {
            self.failed(item, &ended.status);
        }
        Ok(ended.status.success())
    }

    /// Names a line whose command has failed.
    pub fn failed(&mut self, item: &str, why: &dyn Display) {
        let print = || writeln!(io::stderr(), "worker-pool: {item}: {why}");
        let _ = block_in_place(|| self.bar.suspend(print));
    }

    /// Counts.
    pub fn progress(&mut self, stats: &Stats) {
        self.bar.set_message(format!("{} running, {} done", stats.running, stats.over()));
    }

    /// Takes the counting line away.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
