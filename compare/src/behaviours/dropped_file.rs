//! A program writes a hundred files, and drops each of them without flushing it. Are all the bytes
//! on disk immediately?

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::{LONG, Seen};

const FILES: usize = 100;
const BYTES: &[u8] = b"some bytes that must not be lost";

/// The files, in a temporary folder.
struct Files {
    folder: tempfile::TempDir,
    complete_immediately: usize,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder can be created"),
            complete_immediately: 0,
        }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }

    fn is_complete(&self, number: usize) -> bool {
        fs::read(self.path(number)).is_ok_and(|bytes| bytes == BYTES)
    }

    /// Counts the file if it is complete. Call this as soon as the file is dropped.
    fn look(&mut self, number: usize) {
        self.complete_immediately += usize::from(self.is_complete(number));
    }

    /// Waits until all files are complete, or until it is clear that some never will be. Returns
    /// the answer.
    fn seen(&self) -> Seen {
        let start = Instant::now();
        let count = || (0..FILES).filter(|number| self.is_complete(*number)).count();
        while count() < FILES && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(5));
        }
        let in_the_end = count();
        let answer = match (self.complete_immediately, in_the_end) {
            (FILES, _) => "yes",
            (_, FILES) => "no, but a moment later",
            _ => "no, and some are lost",
        };
        let detail = format!("{} immediately, {in_the_end} in the end", self.complete_immediately);
        Seen::from(answer).with(detail)
    }
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    use tokio::io::AsyncWriteExt;
    let mut files = Files::new();
    for number in 0..FILES {
        let mut file =
            tokio::fs::File::create(files.path(number)).await.expect("the file can be created");
        file.write_all(BYTES).await.expect("the disk has room");
        drop(file);
        files.look(number);
    }
    files.seen()
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    use async_std::io::WriteExt;
    let mut files = Files::new();
    for number in 0..FILES {
        let mut file =
            async_std::fs::File::create(files.path(number)).await.expect("the file can be created");
        file.write_all(BYTES).await.expect("the disk has room");
        drop(file);
        files.look(number);
    }
    files.seen()
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    use smol::io::AsyncWriteExt;
    let mut files = Files::new();
    for number in 0..FILES {
        let mut file =
            smol::fs::File::create(files.path(number)).await.expect("the file can be created");
        file.write_all(BYTES).await.expect("the disk has room");
        drop(file);
        files.look(number);
    }
    files.seen()
}
