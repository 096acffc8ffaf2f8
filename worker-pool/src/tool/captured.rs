//! Keeps what a command prints in files, so that it takes no memory.
//!
//! With files, nothing has to read while the command runs. The command has ended when its process
//! has ended, even if a process that it has left in the background could still print something.
//! With pipes, we would have to wait until that process has closed its end as well.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What one command has printed, in two temporary files without a name. The system removes them
/// when they are closed.
#[derive(Debug)]
pub struct Captured {
    pub stdout: File,
    pub stderr: File,
    /// The lengths of the files when the command had ended. What is printed later is ignored.
    lengths: Option<[u64; 2]>,
}

impl Captured {
    /// Creates empty files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { stdout: appendable()?, stderr: appendable()?, lengths: None })
    }

    /// Returns how many bytes each file has.
    pub fn lengths(&self) -> io::Result<[u64; 2]> {
        Ok([self.stdout.metadata()?.len(), self.stderr.metadata()?.len()])
    }

    /// Writes what the command has printed.
    ///
    /// # Errors
    /// Fails if stdout cannot be written, or if the files cannot be read.
    pub fn print(&self) -> io::Result<()> {
        let [stdout, stderr] = match self.lengths {
            Some(lengths) => lengths,
            None => self.lengths()?,
        };
        copy(&self.stdout, stdout, &mut io::stdout().lock())?;
        // If stderr is closed, the user does not want to see the command's messages.
        let _ = copy(&self.stderr, stderr, &mut io::stderr().lock());
        Ok(())
    }
}

/// Creates a file to whose end everybody writes, even somebody who opens it again.
fn appendable() -> io::Result<File> {
    let file = tempfile::tempfile()?;
    #[cfg(unix)]
    {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        fcntl(&file, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    }
    Ok(file)
}

/// Copies the first `length` bytes of a file. A command and its children share one position in the
/// file with us, so we read without moving it.
fn copy(file: &File, length: u64, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; length.min(1 << 16) as usize];
    let mut position = 0;
    while position < length {
        let most = (length - position).min(buffer.len() as u64) as usize;
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, &mut buffer[..most], position)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, &mut buffer[..most], position)?;
        if read == 0 {
            break; // the command has made the file shorter
        }
        to.write_all(&buffer[..read])?;
        position += read as u64;
    }
    to.flush()
}

/// Where a job leaves what its command prints. It is still there if the job is dropped, so it can
/// be printed even if the command was killed.
#[derive(Debug, Clone, Default)]
pub struct Slot(Arc<Mutex<Option<Captured>>>);

impl Slot {
    fn with<T>(&self, change: impl FnOnce(&mut Option<Captured>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stores the files of a command that is about to start, in place of those of an earlier
    /// attempt.
    pub fn begin(&self, captured: Captured) {
        self.with(|slot| *slot = Some(captured));
    }

    /// Returns how many bytes the command has printed so far.
    pub fn length(&self) -> u64 {
        let lengths = self.with(|slot| slot.as_ref().and_then(|captured| captured.lengths().ok()));
        lengths.map_or(0, |[stdout, stderr]| stdout + stderr)
    }

    /// Records that the command has ended. Files that are empty are closed, because a result may
    /// have to wait for its turn to be printed, and a program may open only so many files.
    pub fn end(&self) {
        self.with(|slot| {
            let lengths = slot.as_ref().and_then(|captured| captured.lengths().ok());
            match (lengths, &mut *slot) {
                (Some([0, 0]), slot) => *slot = None,
                (lengths, Some(captured)) => captured.lengths = lengths,
                (_, None) => {}
            }
        });
    }

    /// Takes what the command has printed, if it has printed anything.
    pub fn take(&self) -> Option<Captured> {
        self.with(Option::take)
    }
}
