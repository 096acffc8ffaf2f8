//! Files fetched side by side and streamed to disk: exercise 1, which in Python gathers whole
//! bodies in memory.
//!
//! Bytes go from the socket through a short channel to a thread that may block: file systems have
//! no other way. When the disk is slow the channel fills up, `send` waits, nothing more is read
//! from the socket, and the server has to slow down: that is back-pressure. A file appears under
//! its name when it is whole, checked and on the disk, or not at all. Until then it is a [`part`],
//! with which the next attempt, or the next run, goes on where the rules of [`resume`] allow it.
//!
//! Run with: `cargo run -p downloads`

pub mod error;
pub mod names;
pub mod part;
pub mod resume;
mod transfer;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Client, ClientBuilder, Url};
use tokio::sync::Semaphore;

pub use error::DownloadError;
use transfer::{Disk, Transfer, blocking};

/// One file to fetch.
#[derive(Debug, Clone)]
pub struct Download {
    /// Where it comes from.
    pub url: String,
    /// Where it goes. Until then the bytes are in [`part::part_path`].
    pub path: PathBuf,
    /// Whether the server may give it another name in the same folder (`Content-Disposition`).
    pub may_be_renamed: bool,
    /// What its bytes must be, where that is known.
    pub sha256: Option<[u8; 32]>,
}

/// How to download.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many downloads may run at once.
    pub at_once: NonZeroUsize,
    /// How many of them may be from the same host and port.
    pub per_host: Option<NonZeroUsize>,
    /// How often to try again what may pass.
    pub retries: usize,
    /// Replace files that are there already. Else they are kept, as are always those whose name the
    /// server has given.
    pub replace: bool,
    /// Wait until each file is on the disk, where a power cut cannot harm it.
    pub sync: bool,
}

impl Default for Options {
    fn default() -> Self {
        let at_once = NonZeroUsize::MIN.saturating_add(3);
        Self { at_once, per_host: None, retries: 5, replace: false, sync: true }
    }
}

/// What became of a download that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file is there, whole.
    Saved(Saved),
    /// A file of that name was there before, and nothing was fetched.
    Kept(PathBuf),
}

/// A file that is there, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// How many of its bytes were there before the attempt that finished it.
    pub resumed_from: u64,
}

/// What happens to a download, as it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// It has got a slot and asks for its file.
    Started,
    /// So many bytes are there so far, of so many in all where the server has said.
    Received(u64, Option<u64>),
    /// An attempt has failed, and after a pause there will be another.
    Retrying(&'a DownloadError, Duration),
    /// It is over.
    Ended(&'a Result<Outcome, DownloadError>),
}

/// A client that gives up on a server it cannot reach in 10 s, or that sends nothing for 30 s. A
/// large file may take as long as it needs.
pub fn client_builder() -> ClientBuilder {
    // TLS by ring. Where the program has chosen another provider already, that one stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let stalled = Duration::from_secs(30);
    let builder = Client::builder().connect_timeout(Duration::from_secs(10)).read_timeout(stalled);
    // Ranges are of the bytes as they are sent: they must be those of the file.
    builder.no_gzip().no_brotli().no_zstd().no_deflate()
}

/// Downloads all files and returns what has become of each, in the order given. `report` hears of
/// each by its place in `downloads`.
///
/// Dropping the future gives up what is under way, as for [`download`].
pub async fn download_all(
    client: &Client,
    downloads: &[Download],
    options: Options,
    report: impl Fn(usize, Event<'_>),
) -> Vec<Result<Outcome, DownloadError>> {
    // A permit is a guard: whoever holds one is at work, and dropping it lets the next begin.
    let permits = |n: NonZeroUsize| Semaphore::new(n.get().min(Semaphore::MAX_PERMITS));
    let slots = permits(options.at_once);
    let hosts: HashMap<_, _> = match options.per_host {
        Some(n) => downloads.iter().map(|download| (host(download), permits(n))).collect(),
        None => HashMap::new(),
    };
    let disk = &Disk::start(options);
    let taken = Mutex::new(names::taken(downloads));
    // One look for all: mostly there is nothing, and to look costs a thread that may block.
    let paths: Vec<_> = downloads.iter().map(|download| download.path.clone()).collect();
    let is_new = blocking(|| paths.into_iter().map(|path| part::is_new(&path)).collect::<Vec<_>>());
    let (is_new, seen) = (is_new.await, Instant::now());
    let (slots, hosts, taken, report) = (&slots, &hosts, &taken, &report);
    join_all(downloads.iter().zip(is_new).enumerate().map(
        |(place, (download, is_new))| async move {
            // First the permit of the host: a download that waits for its host must not hold a slot that
            // another host could use.
            let _of_host = match hosts.get(&host(download)) {
                Some(slots) => Some(slots.acquire().await.expect("the semaphore is never closed")),
                None => None,
            };
            let _slot = slots.acquire().await.expect("the semaphore is never closed");
            report(place, Event::Started);
            let report = |event: Event<'_>| report(place, event);
            let transfer = Transfer::new(client, download, options, disk, taken, &report);
            // What we saw less than a second ago still holds.
            let is_new = is_new && seen.elapsed() < Duration::from_secs(1);
            let result = if is_new { transfer.fetch().await } else { transfer.run().await };
            report(Event::Ended(&result));
            result
        },
    ))
    .await
}

/// Downloads one file.
///
/// Dropping the future closes the connection. The thread that writes finishes what it has got by
/// then; the part stays for the next run, or is removed where that could not go on with it. The end
/// of the runtime waits for the thread.
///
/// # Errors
/// See [`DownloadError`]. There is nothing wrong under the name of the file.
pub async fn download(
    client: &Client,
    download: &Download,
    options: Options,
    report: impl Fn(Event<'_>),
) -> Result<Outcome, DownloadError> {
    let disk = &Disk::start(options);
    let taken = &Mutex::new(names::taken(std::slice::from_ref(download)));
    Transfer::new(client, download, options, disk, taken, &report).run().await
}

/// Host and port of a download; nothing for what is no URL.
fn host(download: &Download) -> Option<(String, Option<u16>)> {
    let url = Url::parse(&download.url).ok()?;
    Some((url.host_str()?.to_owned(), url.port_or_known_default()))
}
