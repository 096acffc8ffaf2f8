//! The data types that callers pass in and get back.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::DownloadError;

/// One file to download.
#[derive(Debug, Clone)]
pub struct Download {
    /// The URL to download from.
    pub url: String,
    /// The path to save the file to. Until the file is complete, its bytes are in
    /// [`part_path`](crate::names::part_path).
    pub path: PathBuf,
    /// Whether the server may give the file another name in the same folder
    /// (`Content-Disposition`).
    pub may_be_renamed: bool,
    /// The SHA-256 that the file must have, if you know it.
    pub sha256: Option<[u8; 32]>,
}

/// The options of a run, which apply to all its downloads.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many downloads may run at the same time.
    pub concurrency: NonZeroUsize,
    /// How many downloads from the same host and port may run at the same time.
    pub per_host: Option<NonZeroUsize>,
    /// The maximum number of retries after transient failures in a row. An attempt that brings the
    /// file closer to its end starts a new count.
    pub retries: usize,
    /// The speed below which a transfer counts as stalled.
    pub min_speed: MinSpeed,
    /// How many bytes per second all downloads may receive together.
    pub limit_rate: Option<NonZeroU64>,
    /// Additional headers. They are sent to the servers of the URLs, but not to other servers that
    /// these servers redirect to.
    pub headers: HeaderMap,
    /// Whether to replace files that already exist. If not, they are kept. A file whose name comes
    /// from the server is always kept.
    pub replace: bool,
    /// Whether to wait until each file is on the disk, where a power cut cannot damage it.
    pub sync: bool,
    /// Whether to compute the SHA-256 of every file, not only of those that have to be checked.
    pub hash: bool,
}

impl Default for Options {
    /// Allows four downloads at the same time and five retries, takes a transfer below 1 KiB per
    /// second over 30 s for stalled, syncs files, and keeps existing ones.
    fn default() -> Self {
        let concurrency = NonZeroUsize::MIN.saturating_add(3);
        Self {
            concurrency,
            per_host: None,
            retries: 5,
            min_speed: MinSpeed { bytes_per_second: 1024, over: Duration::from_secs(30) },
            limit_rate: None,
            headers: HeaderMap::new(),
            replace: false,
            sync: true,
            hash: false,
        }
    }
}

/// A speed, and the time over which it is measured. A server that sends nothing for that time has
/// stalled, too. Only the time in which we wait for the server counts.
#[derive(Debug, Clone, Copy)]
pub struct MinSpeed {
    /// The speed in bytes per second. Any speed is fast enough for 0.
    pub bytes_per_second: u64,
    /// The time over which the speed is measured.
    pub over: Duration,
}

/// The result of a download that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file was downloaded.
    Saved(Saved),
    /// A file with that name already existed, or another program downloaded the same contents at
    /// the same time. The existing file was kept.
    Kept(PathBuf),
}

/// A file that was downloaded and is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The path of the file.
    pub path: PathBuf,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file, if it was checked or you asked for it.
    pub sha256: Option<[u8; 32]>,
    /// How many bytes the partial file had before the last attempt.
    pub resumed_from: u64,
    /// Whether the file system could guarantee that no other file was replaced. Without hard links
    /// and without a rename that fails if the name exists, it cannot: a file that appeared just
    /// before the rename is lost.
    pub is_guarded: bool,
}

/// An event in the course of a download.
#[derive(Debug)]
pub enum Event<'a> {
    /// The download has its permit, and sends its request.
    Started,
    /// Another process is downloading the same file. The download waits until that process has
    /// ended its download.
    Waiting(&'a Path),
    /// The download has received this many bytes so far and, if the server has announced a length,
    /// will receive this many in total.
    Received(u64, Option<u64>),
    /// An attempt has failed, and another one will follow after this pause.
    Retrying(&'a DownloadError, Duration),
    /// The download has ended.
    Ended(&'a Result<Outcome, DownloadError>),
}
