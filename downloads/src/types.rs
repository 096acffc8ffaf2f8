//! What goes in and what comes out: types that are only data.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::DownloadError;

/// One file to download.
#[derive(Debug, Clone)]
pub struct Download {
    /// Where it comes from.
    pub url: String,
    /// Where it goes. Until it is complete, its bytes are in [`part_path`](crate::names::part_path).
    pub path: PathBuf,
    /// Whether the server may give it another name in the same folder (`Content-Disposition`).
    pub may_be_renamed: bool,
    /// The SHA-256 that it must have, if you know it.
    pub sha256: Option<[u8; 32]>,
}

/// How to download.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many downloads may run at the same time.
    pub concurrency: NonZeroUsize,
    /// How many of them may be from the same host and port.
    pub per_host: Option<NonZeroUsize>,
    /// How many times to retry after a transient failure, at most.
    pub retries: usize,
    /// Whether to replace files that already exist. Without it, they are kept. A file whose name comes from
    /// the server is always kept.
    pub replace: bool,
    /// Whether to wait until each file is on the disk, where a power cut cannot harm it.
    pub sync: bool,
    /// Whether to compute the SHA-256 of every file, and not only of those that have to be checked.
    pub hash: bool,
}

impl Default for Options {
    /// Four downloads at the same time, five retries; files are synced, existing ones are kept.
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
    /// A file of that name already existed, and nothing was downloaded.
    Kept(PathBuf),
}

/// A file that was downloaded and is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, if it was checked or you asked for it.
    pub sha256: Option<[u8; 32]>,
    /// How many bytes the partial file had before the last attempt.
    pub resumed_from: u64,
}

/// Something that happens to a download.
#[derive(Debug)]
pub enum Event<'a> {
    /// It has its permit, and sends its request.
    Started,
    /// It has received this many bytes so far, out of this many in all if the server has announced a length.
    Received(u64, Option<u64>),
    /// An attempt has failed, and there will be another one after this pause.
    Retrying(&'a DownloadError, Duration),
    /// It has ended.
    Ended(&'a Result<Outcome, DownloadError>),
}
