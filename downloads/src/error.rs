//! The errors that explain why a file was not saved.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;

use crate::get::GetError;

/// The reason why a file was not saved. There is never a wrong file under the final name. A partial
/// file is kept if it can be resumed.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// The text is not a valid `http` or `https` URL.
    #[error("not an http or https URL")]
    InvalidUrl,
    /// The client could not connect, or the connection broke.
    #[error("{}", innermost_cause(.0))]
    Transfer(#[source] reqwest::Error),
    /// The server sends too slowly, or nothing at all.
    #[error("stalled: the server sent {bytes} bytes in {:.1} s", over.as_secs_f64())]
    TooSlow {
        /// How many bytes we received in that time.
        bytes: u64,
        /// How long we waited for these bytes.
        over: Duration,
    },
    /// We do not trust the server's certificate.
    #[error("refused the server's certificate: {0}")]
    Certificate(String),
    /// There were more than ten redirects.
    #[error("too many redirects")]
    TooManyRedirects,
    /// The server redirects to something other than an `http` or `https` URL.
    #[error("the server redirects to a URL that is not an http or https URL")]
    UnsupportedRedirect,
    /// The server answered with something other than a file.
    #[error("the server answered {status}")]
    Status {
        /// The status of the response, after redirects were followed.
        status: StatusCode,
        /// How long the server asks us to wait before we send the request again.
        retry_after: Option<Duration>,
    },
    /// The response ended without an error, but its length is not the one that the server
    /// announced.
    #[error("expected {expected} bytes, received {got}")]
    Short {
        /// The number of bytes received.
        got: u64,
        /// The number of bytes that the server announced.
        expected: u64,
    },
    /// The response is longer than the server announced. We stopped reading.
    #[error("the response is longer than the {expected} bytes that the server announced")]
    Long {
        /// The number of bytes that the server announced.
        expected: u64,
    },
    /// All bytes were received, but their SHA-256 is not the expected one. The bytes were thrown
    /// away.
    #[error("wrong sha256: expected {}, got {}", hex(.expected), hex(.got))]
    Checksum {
        /// The SHA-256 of the bytes received.
        got: [u8; 32],
        /// The SHA-256 that the bytes should have.
        expected: [u8; 32],
        /// Whether an earlier attempt received some of the bytes.
        resumed: bool,
    },
    /// The file cannot be written. The very last step is the sync of the folder. If only this sync
    /// fails, the file exists and is complete, but a power cut might make it disappear.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file that cannot be written.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another process is downloading this file. `download` waits until that process has finished.
    #[error("{} is in use by another download", part.display())]
    InUse {
        /// The partial file.
        part: PathBuf,
    },
    /// Another program has removed the partial file, or has put a file of its own in its place.
    #[error("{} was removed or replaced by another program", part.display())]
    Replaced {
        /// The partial file.
        part: PathBuf,
    },
    /// The partial file belongs to another user.
    #[error("{} belongs to another user: remove or rename it", file.display())]
    OtherUser {
        /// The partial file or its sidecar.
        file: PathBuf,
    },
    /// A file that this program did not create is in the way.
    #[error("{} is in the way and was not made by this program: remove or rename it", file.display())]
    NotOurs {
        /// The file that is in the way of a partial file or its sidecar.
        file: PathBuf,
    },
    /// A file with that name appeared during the download. That file is kept.
    #[error("{} already exists (--force replaces it)", path.display())]
    Exists {
        /// The path of the file.
        path: PathBuf,
    },
    /// A file with that name already existed, but its SHA-256 is not the expected one.
    #[error("{} already exists and has another sha256 (--force replaces it)", path.display())]
    Differs {
        /// The path of the file.
        path: PathBuf,
    },
    /// Another download of this run uses this name.
    #[error("would be saved as {}, which another download uses", path.display())]
    NameTaken {
        /// The path of the file.
        path: PathBuf,
    },
}

impl DownloadError {
    /// Whether the disk or our quota is full.
    pub fn is_disk_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Disk { source, .. } if full.contains(&source.kind()))
    }
}

impl From<GetError> for DownloadError {
    fn from(error: GetError) -> Self {
        match error {
            GetError::Request(error) => error.into(),
            GetError::Silent(over) => Self::TooSlow { bytes: 0, over },
            GetError::Certificate(reason) => Self::Certificate(reason),
            GetError::TooManyRedirects => Self::TooManyRedirects,
            GetError::UnsupportedRedirect => Self::UnsupportedRedirect,
        }
    }
}

impl From<reqwest::Error> for DownloadError {
    fn from(error: reqwest::Error) -> Self {
        // We remove the URL, because the caller knows it already, and because it may contain a
        // password.
        Self::Transfer(error.without_url())
    }
}

/// Returns the innermost cause of an error. The causes in between add no information.
fn innermost_cause(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    match causes.last() {
        _ if error.is_timeout() && error.is_connect() => "timed out while connecting".into(),
        _ if error.is_timeout() => "timed out: the server sent nothing for too long".into(),
        Some(cause) if error.is_connect() => format!("cannot connect: {cause}"),
        Some(cause) => format!("the connection broke: {cause}"),
        None => error.to_string(),
    }
}

/// Returns the bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lack_of_space_counts_as_a_full_disk() {
        let disk =
            |kind: io::ErrorKind| DownloadError::Disk { path: "x".into(), source: kind.into() };
        for (error, is_full) in [
            (disk(io::ErrorKind::StorageFull), true),
            (disk(io::ErrorKind::QuotaExceeded), true),
            (disk(io::ErrorKind::PermissionDenied), false),
            (DownloadError::InvalidUrl, false),
        ] {
            assert_eq!(error.is_disk_full(), is_full, "{error:?}");
        }
    }

    #[test]
    fn a_byte_is_two_hexadecimal_digits() {
        assert_eq!(hex(&[0, 0x0f, 0xa0]), "000fa0");
    }
}
