//! Keeps the output of a command: short output in memory, and long output in temporary files.

use std::future::pending;
use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The number of bytes of each stream that we keep in memory. If a stream is longer, all of it is
/// moved to a file without a name, which the system removes when we close it.
const IN_MEMORY: usize = 64 << 10;

/// The output of one command.
#[derive(Debug)]
pub struct Captured {
    pub stdout: SpooledTempFile,
    pub stderr: SpooledTempFile,
    /// The number of bytes in both streams together.
    pub length: u64,
}

impl Captured {
    pub fn new() -> Self {
        let empty = || SpooledTempFile::new(IN_MEMORY);
        Self { stdout: empty(), stderr: empty(), length: 0 }
    }

    pub fn add_stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        self.stdout.write_all(bytes)
    }

    pub fn add_stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        self.stderr.write_all(bytes)
    }

    /// Adds the bytes that are still in the pipes when the command has ended. Stops as soon as the
    /// total exceeds `limit` bytes, and leaves out the remaining bytes.
    pub async fn finish(
        &mut self,
        stdout: Pipe<impl Reader>,
        stderr: Pipe<impl Reader>,
        limit: u64,
    ) -> io::Result<()> {
        self.length += stdout.finish(&mut self.stdout, limit.saturating_sub(self.length)).await?;
        self.length += stderr.finish(&mut self.stderr, limit.saturating_sub(self.length)).await?;
        Ok(())
    }

    /// Prints the command's output.
    ///
    /// # Errors
    /// Fails if stdout cannot be written, or if the files cannot be read.
    pub fn print(&mut self) -> io::Result<()> {
        copy(&mut self.stdout, &mut io::stdout().lock())?;
        // If stderr is closed, the user does not want to see the command's messages.
        let _ = copy(&mut self.stderr, &mut io::stderr().lock());
        Ok(())
    }

    /// Returns whether stdout ends without a line end, and whether stderr does.
    pub fn ends_within_a_line(&mut self) -> io::Result<[bool; 2]> {
        Ok([lacks_line_end(&mut self.stdout)?, lacks_line_end(&mut self.stderr)?])
    }
}

fn copy(from: &mut SpooledTempFile, to: &mut impl Write) -> io::Result<()> {
    from.rewind()?;
    io::copy(from, to)?;
    to.flush()
}

fn lacks_line_end(text: &mut SpooledTempFile) -> io::Result<bool> {
    let mut last = [b'\n'];
    if text.seek(SeekFrom::End(0))? > 0 {
        text.seek(SeekFrom::End(-1))?;
        text.read_exact(&mut last)?;
    }
    Ok(last != [b'\n'])
}

/// Our end of a pipe to which a command prints.
pub struct Pipe<R> {
    /// The pipe, until the command and its children have closed their ends.
    reader: Option<R>,
    buffer: Vec<u8>,
}

#[cfg(unix)]
pub trait Reader: AsyncRead + Unpin + Send + std::os::fd::AsFd + 'static {}
#[cfg(unix)]
impl<R: AsyncRead + Unpin + Send + std::os::fd::AsFd + 'static> Reader for R {}
#[cfg(not(unix))]
pub trait Reader: AsyncRead + Unpin + Send + 'static {}
#[cfg(not(unix))]
impl<R: AsyncRead + Unpin + Send + 'static> Reader for R {}

impl<R: Reader> Pipe<R> {
    pub fn new(reader: Option<R>) -> Self {
        Self { reader, buffer: Vec::with_capacity(8 << 10) }
    }

    /// Waits for the next bytes. After the last byte, waits forever. If the future is dropped, no
    /// byte is lost.
    pub async fn next(&mut self) -> &[u8] {
        self.buffer.clear();
        if let Some(reader) = &mut self.reader {
            // We treat an error like the end of the stream.
            if reader.read_buf(&mut self.buffer).await.unwrap_or(0) > 0 {
                return &self.buffer;
            }
            self.reader = None;
        }
        pending().await
    }

    /// Reads the bytes that are in the pipe now, without waiting for more, and writes them to `to`.
    /// Returns the number of bytes, which may exceed `limit` by at most one buffer.
    ///
    /// A process in the background may still have the other end open. So we keep the pipe open for
    /// as long as this program runs, and discard what that process prints. If we closed the pipe,
    /// the system would kill that process as soon as it prints something.
    pub async fn finish(mut self, to: &mut SpooledTempFile, limit: u64) -> io::Result<u64> {
        let mut length = 0;
        while length <= limit {
            match self.read_now().await {
                Some(0) => return Ok(length),
                None => break,
                Some(bytes) => {
                    to.write_all(&self.buffer[..bytes])?;
                    length += bytes as u64;
                }
            }
        }
        if let Some(mut reader) = self.reader {
            // Nobody waits for this task. It ends when the other process ends, or when this program
            // ends.
            tokio::spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
        }
        Ok(length)
    }

    /// Reads the bytes that are in the pipe. Returns zero at the end, and `None` if the pipe is
    /// empty but still open.
    ///
    /// We ask the system directly. Tokio would rely on what the system reported earlier, but a
    /// command may have printed something just before it ended.
    #[cfg(unix)]
    async fn read_now(&mut self) -> Option<usize> {
        use nix::errno::Errno;
        let Some(reader) = &self.reader else { return Some(0) };
        self.buffer.resize(8 << 10, 0);
        match nix::unistd::read(reader, &mut self.buffer) {
            Err(Errno::EAGAIN) => None,
            read => Some(read.unwrap_or(0)),
        }
    }

    /// Waits a moment for bytes, because only Tokio can read this pipe.
    #[cfg(not(unix))]
    async fn read_now(&mut self) -> Option<usize> {
        let wait = std::time::Duration::from_millis(50);
        let read = tokio::time::timeout(wait, self.next()).await;
        let length = read.ok().map(<[u8]>::len);
        if self.reader.is_none() { Some(0) } else { length }
    }
}
