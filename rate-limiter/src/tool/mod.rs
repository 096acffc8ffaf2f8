//! The tool that the lesson builds: it copies its input at a limited rate, line by line or byte by
//! byte.

mod share;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rate_limiter::{LimitError, RateLimiter};
use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::task::block_in_place;

use crate::arguments::Arguments;
use share::share;

/// A rate at which to write.
pub struct Rate {
    limiter: RateLimiter,
    /// A second limiter, with the same rate but a shorter window. It spreads the requests evenly.
    spread: Option<RateLimiter>,
    /// The maximum number of requests that are granted together.
    most: usize,
}

impl Rate {
    /// Creates a rate of at most `limit` requests in any window of `per`. With `spread`,
    /// grants are spaced evenly over the window (in small batches at high rates), instead of being
    /// made as early as possible.
    ///
    /// # Errors
    /// Returns the errors of [`RateLimiter::new`].
    pub fn new(limit: usize, per: Duration, spread: bool) -> Result<Self, LimitError> {
        let limiter = RateLimiter::new(limit, per)?;
        if !spread {
            return Ok(Self { limiter, spread: None, most: limit });
        }
        let (most, part) = share(limit, per);
        Ok(Self { limiter, spread: Some(RateLimiter::new(most, part)?), most })
    }

    /// Writes `bytes` as soon as the limiter has granted `requests` requests. Their window starts
    /// at the moment at which all bytes have been written.
    async fn write(&self, bytes: &[u8], requests: usize) -> anyhow::Result<()> {
        let grant = self.limiter.acquire_many(requests).await?;
        let spread = match &self.spread {
            Some(limiter) => Some((limiter, limiter.acquire_many(requests).await?)),
            None => None,
        };
        // We flush, so that the bytes appear on time even if stdout is a pipe. If nobody reads that
        // pipe, the write blocks. `block_in_place` lets the runtime move its other work, such as
        // waiting for Ctrl-C, to another thread.
        block_in_place(|| {
            let mut output = io::stdout().lock();
            output.write_all(bytes)?;
            output.flush()
        })?;
        // The write may have waited until the pipe had room.
        self.limiter.restamp(grant);
        if let Some((limiter, grant)) = spread {
            limiter.restamp(grant);
        }
        Ok(())
    }
}

/// Copies a file, or stdin for `-`, to stdout at the limited rate.
///
/// # Errors
/// Fails if the input cannot be read, if a line is too long, or if stdout cannot be written.
pub async fn run(rate: &Rate, file: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let name = || file.display().to_string();
    if file == Path::new("-") {
        copy(rate, BufReader::new(tokio::io::stdin()), arguments, name).await
    } else {
        let input = File::open(file).await.with_context(name)?;
        copy(rate, BufReader::new(input), arguments, name).await
    }
}

async fn copy(
    rate: &Rate,
    mut input: impl AsyncBufRead + Unpin,
    arguments: &Arguments,
    name: impl Fn() -> String,
) -> anyhow::Result<()> {
    if arguments.bytes {
        loop {
            let ready = input.fill_buf().await.with_context(&name)?;
            let part = &ready[..ready.len().min(rate.most)];
            if part.is_empty() {
                return Ok(());
            }
            rate.write(part, part.len()).await?;
            let length = part.len();
            input.consume(length);
        }
    }
    // A line may contain any bytes, and the last line may lack its line end.
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut limited = (&mut input).take(arguments.max_line.saturating_add(1));
        limited.read_until(b'\n', &mut line).await.with_context(&name)?;
        let length = line.strip_suffix(b"\n").unwrap_or(&line).len() as u64;
        if length > arguments.max_line {
            bail!(
                "{}: line {number} has more than {} bytes; see --max-line",
                name(),
                arguments.max_line
            );
        }
        if line.is_empty() {
            break;
        }
        rate.write(&line, 1).await?;
    }
    Ok(())
}
