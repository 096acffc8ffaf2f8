//! A file is written and dropped, a hundred times, without flushing it. Are the bytes in it at once?

use std::fs;
use std::path::PathBuf;
use std::thread;

use super::{LONGER, Seen};

const FILES: usize = 100;
const BYTES: &[u8] = b"some bytes that matter to somebody";

/// The files, in a temporary folder.
struct Files {
    folder: tempfile::TempDir,
    whole: usize,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), whole: 0 }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }

    fn is_whole(&self, number: usize) -> bool {
        fs::read(self.path(number)).is_ok_and(|bytes| bytes == BYTES)
    }

    /// To be called as soon as the file is dropped.
    fn look(&mut self, number: usize) {
        self.whole += usize::from(self.is_whole(number));
    }

    fn seen(&self) -> Seen {
        thread::sleep(LONGER);
        let later = (0..FILES).filter(|number| self.is_whole(*number)).count();
        let answer = match (self.whole, later) {
            (FILES, _) => "they are",
            (_, FILES) => "a moment later",
            _ => "some are lost",
        };
        Seen::from(answer).with(format!("at once in {}, in the end in {later}", self.whole))
    }
}

#[cfg(feature = "tokio")]
#[tokio::main]
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
pub fn on_async_std() -> Seen {
    use async_std::io::WriteExt;
    async_std::task::block_on(async {
        let mut files = Files::new();
        for number in 0..FILES {
            let mut file = async_std::fs::File::create(files.path(number)).await.expect("a file");
            file.write_all(BYTES).await.expect("room");
            drop(file);
            files.look(number);
        }
        files.seen()
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    use smol::io::AsyncWriteExt;
    smol::block_on(async {
        let mut files = Files::new();
        for number in 0..FILES {
            let mut file = smol::fs::File::create(files.path(number)).await.expect("a file");
            file.write_all(BYTES).await.expect("room");
            drop(file);
            files.look(number);
        }
        files.seen()
    })
}
