//! Reads the lines of stdin, one at a time.

use std::io::{self, BufRead, Read};

use anyhow::{Context, bail};
use tokio::sync::mpsc;

/// The lines of stdin. A plain thread reads them. We do not use one of the runtime's threads,
/// because the runtime waits for its threads when it shuts down. If the next line never came, the
/// runtime would wait forever.
pub struct Lines(mpsc::Receiver<anyhow::Result<Vec<u8>>>);

impl Lines {
    /// Starts the thread. Each line ends with the byte `end`, and has at most `longest` bytes.
    pub fn of_stdin(end: u8, longest: u64) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(1);
        std::thread::Builder::new().spawn(move || {
            let mut stdin = io::stdin().lock();
            for number in 1.. {
                let line = read_line(&mut stdin, end, longest, number).transpose();
                let Some(line) = line else { break };
                if sender.blocking_send(line).is_err() {
                    break; // the receiver was dropped
                }
            }
        })?;
        Ok(Self(lines))
    }

    /// Returns the next line, or `None` at the end. If the future is dropped, no line is lost.
    ///
    /// # Errors
    /// Fails if stdin cannot be read, or if the line is too long.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.recv().await.transpose()
    }
}

fn read_line(
    input: &mut impl BufRead,
    end: u8,
    longest: u64,
    number: u64,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // The limit leaves room for the byte that ends a line of the maximum length.
    let limited = input.take(longest.saturating_add(1)).read_until(end, &mut line);
    limited.context("cannot read stdin")?;
    match line.last() {
        None => return Ok(None),
        Some(last) if *last == end => _ = line.pop(),
        Some(_) if line.len() as u64 > longest => {
            bail!("line {number} of stdin has more than {longest} bytes; see --max-line")
        }
        Some(_) => {}
    }
    if cfg!(windows) && line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}
