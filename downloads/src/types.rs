//! The data types that callers pass in and get back.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

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
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many downloads may run at the same time.
    pub concurrency: NonZeroUsize,
    /// How many downloads from the same host and port may run at the same time.
    pub per_host: Option<NonZeroUsize>,
    /// The maximum number of retries after transient failures.
    pub retries: usize,
    /// Whether to replace files that already exist. If not, they are kept. A file whose name comes
    /// from the server is always kept.
    pub replace: bool,
    /// Whether to wait until each file is on the disk, where a power cut cannot damage it.
    pub sync: bool,
    /// Whether to compute the SHA-256 of every file, not only of those that have to be checked.
    pub hash: bool,
}

impl Default for Options {
    /// Allows four downloads at the same time and five retries, syncs files, and keeps existing
    /// ones.
    fn default() -> Self {
        let concurrency = NonZeroUsize::MIN.saturating_add(3);
        Self { concurrency, per_host: None, retries: 5, replace: false, sync: true, hash: false }
    }
}

/// The result of a download that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file was downloaded.
    Saved(Saved),
    /// A file with that name already existed, and nothing was downloaded.
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
}

/// An event in the course of a download.
#[derive(Debug)]
pub enum Event<'a> {
    /// The download has its permit, and sends its request.
    Started,
    /// The download has received this many bytes so far and, if the server has announced a length,
    /// will receive this many in total.
    Received(u64, Option<u64>),
    /// An attempt has failed, and another one will follow after this pause.
    Retrying(&'a DownloadError, Duration),
    /// The download has ended.
    Ended(&'a Result<Outcome, DownloadError>),
}
