//! Files fetched side by side and streamed to disk: exercise 1, which in Python gathers whole
//! bodies in memory.
//!
//! Bytes go from the socket through a short channel to a thread that may block: file systems have
//! no other way. When the disk is slow the channel fills up, `send` waits, nothing more is read
//! from the socket, and the server has to slow down: that is back-pressure. A file appears under
//! its name when it is whole and on the disk, or not at all.
//!
//! Run with: `cargo run -p downloads`

use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use reqwest::{Client, ClientBuilder, StatusCode};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;

/// One file to fetch.
#[derive(Debug, Clone)]
pub struct Download {
    /// Where it comes from.
    pub url: String,
    /// Where it goes. A file of that name is replaced; until then the bytes are in [`part_path`].
    pub path: PathBuf,
}

/// What happens to a download, as it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// It has got a slot and asks for its file.
    Started,
    /// So many bytes have come so far, of so many in all where the server has said.
    Received(u64, Option<u64>),
    /// It is over: so many bytes are saved, or it has failed.
    Ended(&'a Result<u64, DownloadError>),
}

/// Why a file was not saved. Nothing is left behind on the disk, with one exception: see `Disk`.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// No connection, or it broke off before the end, or the server took too long.
    #[error("{url}")]
    Transfer {
        /// Where it comes from.
        url: String,
        /// What the client says.
        source: reqwest::Error,
    },
    /// The server answered with something other than a file.
    #[error("{url}: the server answered {status}")]
    Status {
        /// Where it comes from.
        url: String,
        /// Anything but 200 after redirects were followed.
        status: StatusCode,
    },
    /// The file cannot be written. Where the very last step fails, the sync of the folder, the file
    /// is there and whole, and might be gone after a power cut.
    #[error("{}", path.display())]
    Disk {
        /// Where it was to go.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A client that gives up on a server it cannot reach in 10 s, or that sends nothing for 30 s. A
/// large file may take as long as it needs.
pub fn client_builder() -> ClientBuilder {
    // TLS by ring. Where the program has chosen another provider already, that one stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().connect_timeout(Duration::from_secs(10)).read_timeout(Duration::from_secs(30))
}

/// Downloads all files, at most `at_once` at a time, and returns the bytes saved or the failure of
/// each, in the order given. `report` hears of each by its place in `downloads`.
///
/// Dropping the future gives up what is under way, as for [`download`].
pub async fn download_all(
    client: &Client,
    downloads: &[Download],
    at_once: NonZeroUsize,
    report: impl Fn(usize, Event<'_>),
) -> Vec<Result<u64, DownloadError>> {
    // A permit is a guard: whoever holds one is at work, and dropping it lets the next begin.
    let slots = Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS));
    let (slots, report) = (&slots, &report);
    join_all(downloads.iter().enumerate().map(|(place, download)| async move {
        let _permit = slots.acquire().await.expect("the semaphore is never closed");
        report(place, Event::Started);
        let received = |so_far, total| report(place, Event::Received(so_far, total));
        let result = self::download(client, download, received).await;
        report(place, Event::Ended(&result));
        result
    }))
    .await
}

/// Downloads one file and returns its length in bytes. `received` is called with the bytes so far,
/// and with the length that the server has announced.
///
/// Dropping the future closes the connection, and the thread that writes removes the part file; if
/// all bytes had come already, it finishes the file instead. The end of the runtime waits for it.
///
/// # Errors
/// See [`DownloadError`]. The part file is gone by then.
pub async fn download(
    client: &Client,
    download: &Download,
    received: impl Fn(u64, Option<u64>),
) -> Result<u64, DownloadError> {
    let Download { url, path } = download;
    let transfer = |source: reqwest::Error| DownloadError::Transfer {
        url: url.clone(),
        source: source.without_url(),
    };
    let mut response = client.get(url).send().await.map_err(transfer)?;
    // Not a part that nobody has asked for (206), nor an answer without a file (204).
    if response.status() != StatusCode::OK {
        return Err(DownloadError::Status { url: url.clone(), status: response.status() });
    }

    // A few pieces under way keep both sides busy; more would only be memory.
    let (pieces, to_write) = mpsc::channel(8);
    let target = path.clone();
    let writer = spawn_blocking(move || write_file(&target, to_write));

    let total = response.content_length();
    let mut so_far = 0;
    let broken_off = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => {
                so_far += bytes.len() as u64;
                received(so_far, total);
                if pieces.send(Piece::Bytes(bytes)).await.is_err() {
                    break None; // the writer has failed, and says why below
                }
            }
            Ok(None) => {
                let _ = pieces.send(Piece::End).await;
                break None;
            }
            Err(error) => break Some(transfer(error)),
        }
    };
    // Without an `End`, a closed channel tells the writer to remove what it has.
    drop(pieces);
    let written = writer.await.map_err(io::Error::from).flatten();
    match (broken_off, written) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(so_far),
        (None, Err(source)) => Err(DownloadError::Disk { path: path.clone(), source }),
    }
}

/// What the socket sends to the disk.
enum Piece {
    Bytes(Bytes),
    /// The file is whole. A channel that closes without it means that it is not.
    End,
}

/// Writes a file on a thread that may block. `std::fs` reports each error where it happens, which
/// an async file, writing behind our back, would have to do later.
fn write_file(path: &Path, mut pieces: mpsc::Receiver<Piece>) -> io::Result<()> {
    let mut part = PartFile::create(part_path(path))?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Bytes(bytes)) => part.file.write_all(&bytes)?,
            Some(Piece::End) => return part.rename(path),
            None => return Err(io::Error::new(io::ErrorKind::Interrupted, "the transfer ended")),
        }
    }
}

/// Where the bytes for `path` are until it is whole: beside it, as `NAME.part`.
pub fn part_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// A file that removes itself, unless it was given its final name.
struct PartFile {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl PartFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        // Never a file that is there already: another run may be writing it at this moment.
        let file = File::create_new(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::Error::new(
                error.kind(),
                format!("{} is there already: remove it if no download is at it", path.display()),
            ),
            _ => error,
        })?;
        Ok(Self { file, path, renamed: false })
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        // In this order: were the name on the disk before the bytes, a power cut in between would
        // leave an empty file under it.
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.renamed = true;
        // The new name is an entry in the folder, which has to reach the disk as well.
        #[cfg(unix)]
        if let Some(folder) = target.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing more can be done about an error here.
            let _ = fs::remove_file(&self.path);
        }
    }
}
