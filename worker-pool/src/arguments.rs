//! The arguments of the program.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Parser;

use crate::duration::duration;
use crate::size::size;

/// Runs a command for every line of stdin, several commands at a time.
///
/// After Ctrl-C, the program starts no more commands, and waits for the running ones. A second
/// Ctrl-C kills them.
#[derive(Parser)]
#[command(
    version,
    after_help = "The command may contain these placeholders for the line:
  {}     the line                 a/photo.jpg
  {.}    without its extension    a/photo
  {/}    without its folder       photo.jpg
  {/.}   without both             photo
  {//}   its folder               a
  {#}    its number               1

Examples:
  worker-pool                            a demonstration: ten jobs on three workers
  ls *.png | worker-pool -w 4 -- optipng
  ls *.wav | worker-pool -- ffmpeg -i {} {.}.mp3
  find . -name '*.log' -print0 | worker-pool -0 -- gzip
  seq 10 | worker-pool --keep-order -- sh -c 'echo \"$1 squared is $(($1 * $1))\" ' _ {}

Pass the line to a shell as an argument, as in the last example. If you write {} into a script, the
shell executes the line as part of the script.

Exit status: 0 all commands succeeded, 1 some failed or did not run, 2 usage error or no such command,
129 SIGHUP, 130 SIGINT (Ctrl-C), 131 SIGQUIT, 143 SIGTERM."
)]
pub struct Arguments {
    /// The number of commands that may run at the same time. By default, one for each core.
    #[arg(short, long, value_name = "N")]
    workers: Option<u16>,
    /// Kill a command that runs for longer than this, such as 500ms or 2m.
    #[arg(long, requires = "command", value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// The maximum number of times to run a command again if it fails.
    #[arg(long, requires = "command", value_name = "N", default_value = "0")]
    pub retries: u32,
    /// Wait at least this long between the starts of two commands.
    #[arg(long, requires = "command", value_name = "TIME", value_parser = duration)]
    pub delay: Option<Duration>,
    /// When a command fails, start no more commands.
    #[arg(long, requires = "command")]
    pub fail_fast: bool,
    /// Print the output of the commands in the order of the lines.
    #[arg(long, requires = "command")]
    pub keep_order: bool,
    /// Print the commands instead of running them.
    #[arg(long, requires = "command")]
    pub dry_run: bool,
    /// Expect a NUL byte at the end of each line, as in the output of `find -print0`.
    #[arg(short = '0', long, requires = "command")]
    pub null: bool,
    /// Kill a command that prints more than this, such as 64K, 16M or 1G.
    #[arg(long, requires = "command", value_name = "SIZE", default_value = "1G", value_parser = size)]
    pub max_output: u64,
    /// The maximum length of a line.
    #[arg(long, requires = "command", value_name = "SIZE", default_value = "16M", value_parser = size)]
    pub max_line: u64,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "command")]
    pub timeline_svg: Option<PathBuf>,
    /// The command to run. If it contains no placeholder, the line becomes the last argument.
    /// Without a command, the program runs a demonstration.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl Arguments {
    /// Returns the number of commands that may run at the same time. The demonstration has three
    /// workers.
    pub fn workers(&self) -> usize {
        match self.workers {
            Some(workers) => workers.into(),
            None if self.command.is_empty() => 3,
            None => available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }
}
