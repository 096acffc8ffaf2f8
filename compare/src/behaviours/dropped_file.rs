//! A hundred files are written and dropped without a flush. Are their bytes on disk immediately?

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::{LONG, Seen};

const FILES: usize = 100;
const BYTES: &[u8] = b"some bytes that matter to somebody";

/// The files, in a temporary folder.
struct Files {
    folder: tempfile::TempDir,
    whole_at_once: usize,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), whole_at_once: 0 }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }

    fn is_whole(&self, number: usize) -> bool {
        fs::read(self.path(number)).is_ok_and(|bytes| bytes == BYTES)
    }

    /// To be called as soon as the file is dropped.
    fn look(&mut self, number: usize) {
        self.whole_at_once += usize::from(self.is_whole(number));
    }

    /// Waits until all are whole, or for so long that the others never will be.
    fn seen(&self) -> Seen {
        let start = Instant::now();
        let whole = || (0..FILES).filter(|number| self.is_whole(*number)).count();
        while whole() < FILES && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(5));
        }
        let whole = whole();
        let answer = match (self.whole_at_once, whole) {
            (FILES, _) => "they are",
            (_, FILES) => "not all, but a moment later",
            _ => "some are lost",
        };
        Seen::from(answer).with(format!("{} immediately, {whole} in the end", self.whole_at_once))
    }
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    use tokio::io::AsyncWriteExt;
    let mut files = Files::new();
    for number in 0..FILES {
        let mut file = tokio::fs::File::create(files.path(number)).await.expect("a file");
        file.write_all(BYTES).await.expect("room");
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
        let mut file = async_std::fs::File::create(files.path(number)).await.expect("a file");
        file.write_all(BYTES).await.expect("room");
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
        let mut file = smol::fs::File::create(files.path(number)).await.expect("a file");
        file.write_all(BYTES).await.expect("room");
        drop(file);
        files.look(number);
    }
    files.seen()
}
