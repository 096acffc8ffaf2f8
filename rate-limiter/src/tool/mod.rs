//! The tool that the lesson builds: it copies lines at a limited rate.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use rate_limiter::RateLimiter;
use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::task::block_in_place;

/// Copies the lines of a file, or of stdin for `-`, to stdout at the limiter's rate.
pub async fn run(limiter: &RateLimiter, file: &Path) -> anyhow::Result<()> {
    if file == Path::new("-") {
        pass(limiter, BufReader::new(tokio::io::stdin()), file).await
    } else {
        let lines = File::open(file).await.with_context(|| file.display().to_string())?;
        pass(limiter, BufReader::new(lines), file).await
    }
}

/// Copies the lines at the limiter's rate. A line may contain any bytes, and the last line may lack
/// its line end.
async fn pass(
    limiter: &RateLimiter,
    mut lines: impl AsyncBufRead + Unpin,
    name: &Path,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).await.with_context(|| name.display().to_string())? > 0
    {
        limiter.acquire().await;
        // We flush each line, so that it appears on time even if stdout is a pipe. If nobody reads
        // that pipe, the write blocks. `block_in_place` lets the runtime move its other work, such
        // as waiting for Ctrl-C, to another thread.
        block_in_place(|| {
            let mut output = io::stdout().lock();
            output.write_all(&line)?;
            output.flush()
        })?;
        line.clear();
    }
    Ok(())
}
