//! Downloads files concurrently and streams them to disk. In Python courses, the usual solution to
//! this exercise collects whole bodies in memory.
//!
//! A file appears under its name only when it is complete, checked and on the disk. Until then, its
//! bytes are in a partial file, which the next attempt or the next run can resume. Start reading at
//! [`download_all`]. `transfer.rs` does one download, `stream.rs` moves bytes from the socket to
//! the disk, and [`resume`] decides what to do with a response.
//!
//! Run with: `cargo run -p downloads`

pub mod error;
mod existing;
mod finish;
mod get;
mod hashing;
mod lock;
pub mod names;
mod naming;
mod pace;
pub mod part;
pub mod resume;
pub mod retry;
mod retry_after;
mod sidecar;
mod stream;
#[cfg(test)]
mod testing;
mod transfer;
mod types;
pub mod url;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use tokio::sync::Semaphore;

pub use error::DownloadError;
use existing::NewFiles;
use transfer::{Run, Transfer};
pub use types::{Download, Event, MinSpeed, Options, Outcome, Saved};

/// Downloads all files and returns the result of each, in the order given. `report` is called with
/// each event and the index of its download.
///
/// Dropping the future cancels the running downloads, as described at [`download`].
///
/// ```no_run
/// use downloads::{Download, Options, download_all};
///
/// # async fn example() -> reqwest::Result<()> {
/// let client = downloads::client_builder().build()?;
/// let file = |name: &str| Download {
///     url: format!("https://example.org/{name}"),
///     path: name.into(),
///     may_be_renamed: false,
///     sha256: None,
/// };
/// let files = ["one.iso", "two.iso"].map(file);
/// let results = download_all(&client, &files, Options::default(), |_, _| {}).await;
/// for (file, result) in files.iter().zip(results) {
///     println!("{}: {result:?}", file.url);
/// }
/// # Ok(())
/// # }
/// ```
pub async fn download_all(
    client: &Client,
    downloads: &[Download],
    options: Options,
    report: impl Fn(usize, Event<'_>),
) -> Vec<Result<Outcome, DownloadError>> {
    let permits = permits(options.concurrency);
    let hosts = permits_per_host(downloads, options.per_host);
    let run = Run::new(client, downloads, &options);
    let paths = downloads.iter().map(|download| download.path.clone()).collect();
    let new = NewFiles::check(paths).await;

    let one = async |(place, download): (usize, &Download)| {
        // We take the host's permit first. Otherwise, a download that waits for its host would hold
        // a permit that another host could use.
        let _of_host = match hosts.get(&host(download)) {
            Some(permits) => Some(permits.acquire().await.expect("never closed")),
            None => None,
        };
        let _permit = permits.acquire().await.expect("never closed");
        report(place, Event::Started);
        let report = |event: Event<'_>| report(place, event);
        // In a box, so that a list of 100,000 files does not take the memory of as many transfers.
        let transfer = Transfer::new(&run, download, &report).run(new.is_new(place));
        let result = Box::pin(transfer).await;
        report(Event::Ended(&result));
        result
        // The permits are dropped here, so the next downloads can begin.
    };
    join_all(downloads.iter().enumerate().map(one)).await
}

/// Downloads one file.
///
/// Dropping the future closes the connection. The thread that writes the file still writes the
/// bytes that have been received. The partial file is kept if the next run can resume it, and
/// removed otherwise. When the runtime shuts down, it waits for this thread.
///
/// If another process is downloading the same file, waits until it has finished.
///
/// # Errors
/// Returns a [`DownloadError`], after as many retries as `options` allow if the failure is
/// transient. There is never a wrong file under the final name, unless another program writes to
/// the partial file itself.
///
/// ```no_run
/// use downloads::{Download, Options, Outcome, download};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = downloads::client_builder().build()?;
/// let file = Download {
///     url: "https://example.org/one.iso".into(),
///     path: "one.iso".into(),
///     may_be_renamed: false,
///     sha256: None,
/// };
/// match download(&client, &file, Options::default(), |_| {}).await? {
///     Outcome::Saved(saved) => println!("{} bytes", saved.bytes),
///     Outcome::Kept(path) => println!("{} already exists", path.display()),
/// }
/// # Ok(())
/// # }
/// ```
pub async fn download(
    client: &Client,
    download: &Download,
    options: Options,
    report: impl Fn(Event<'_>),
) -> Result<Outcome, DownloadError> {
    let run = Run::new(client, std::slice::from_ref(download), &options);
    Transfer::new(&run, download, &report).run(false).await
}

/// Returns a builder for a client with a connect timeout of 10 s. [`Options::min_speed`] limits how
/// long a server may be silent. There is no timeout for a whole file, because a large file may take
/// as long as it needs. The client does not follow redirects, because [`download`] does that, and it
/// sends no `Referer`, which could tell the password in a URL to another server.
pub fn client_builder() -> ClientBuilder {
    // We use ring as the crypto provider for TLS. This fails if the program has already chosen
    // another provider, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().connect_timeout(Duration::from_secs(10));
    let builder = builder.redirect(Policy::none()).referer(false);
    // A range counts the bytes as they are sent, so the server must send the bytes of the file
    // itself, not compressed ones.
    builder.no_gzip().no_brotli().no_zstd().no_deflate()
}

fn permits(n: NonZeroUsize) -> Semaphore {
    Semaphore::new(n.get().min(Semaphore::MAX_PERMITS))
}

/// A host and a port, or `None` if the URL is not valid.
type Host = Option<(String, Option<u16>)>;

fn host(download: &Download) -> Host {
    let url = Url::parse(&download.url).ok()?;
    Some((url.host_str()?.to_owned(), url.port_or_known_default()))
}

fn permits_per_host(
    downloads: &[Download],
    per_host: Option<NonZeroUsize>,
) -> HashMap<Host, Semaphore> {
    let Some(n) = per_host else { return HashMap::new() };
    downloads.iter().map(|download| (host(download), permits(n))).collect()
}
