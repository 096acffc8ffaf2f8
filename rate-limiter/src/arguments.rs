//! The arguments of the program.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::duration::duration;
use crate::size::size;

/// Prints the lines of a file or a pipe, at most N in any window of time.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  rate-limiter                           a demonstration: ten requests, 3 per second
  rate-limiter --naive                   the demonstration, with a limiter as people usually write it
  tail -f log | rate-limiter --limit 5 --per 1s -
  rate-limiter --bytes --spread --limit 1000000 --per 1s backup.tar > /mnt/share/backup.tar

The limit holds for what this program writes. A pipe buffers lines, so a slow reader may find many of
them at the same moment. To limit how often a command starts, use a program that starts commands:
  worker-pool -w 1 --delay 600ms -- curl -O < urls.txt      at most 100 in any minute

After every window, the timer may wake the program up to a millisecond late. So a window of a few
milliseconds lets less through than its limit: use --limit 1000 --per 1s, not --limit 1 --per 1ms.

Exit status: 0 done, 1 failed, 2 usage error, 129 SIGHUP, 130 SIGINT (Ctrl-C), 131 SIGQUIT, 143 SIGTERM."
)]
pub struct Arguments {
    /// The file to read, or `-` for stdin. Without a file, the program runs a demonstration.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The maximum number of lines in any window.
    #[arg(long, default_value = "3", value_name = "N")]
    pub limit: usize,
    /// The length of the window, such as 200ms, 1s or 2m.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = duration)]
    pub per: Duration,
    /// Limit bytes instead of lines.
    #[arg(long, requires = "file")]
    pub bytes: bool,
    /// Spread the lines or bytes evenly over the window, instead of letting them through as early
    /// as the limit allows.
    #[arg(long, requires = "file")]
    pub spread: bool,
    /// The maximum length of a line, such as 64K or 16M.
    #[arg(long, requires = "file", value_name = "SIZE", default_value = "16M", value_parser = size)]
    pub max_line: u64,
    /// Run the demonstration with a limiter as people usually write it, and see how far it exceeds
    /// the limit.
    #[arg(long, conflicts_with = "file")]
    pub naive: bool,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "file")]
    pub timeline_svg: Option<PathBuf>,
}
