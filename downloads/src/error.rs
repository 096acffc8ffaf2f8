//! Why a file was not saved, and whether it is worth trying again.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use thiserror::Error;

/// No pause between two attempts is longer, whatever a server asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a file was not saved. There is nothing wrong under its name; what can be gone on with is kept.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// The text is no http or https URL.
    #[error("not an http or https URL")]
    InvalidUrl,
    /// No connection, or it broke off before the end, or the server sent nothing for too long.
    #[error("{}", deepest(.0))]
    Transfer(#[source] reqwest::Error),
    /// The server answered with something other than a file.
    #[error("the server answered {status}")]
    Status {
        /// Anything but a file, after redirects were followed.
        status: StatusCode,
        /// How long the server asks us to stay away.
        retry_after: Option<Duration>,
    },
    /// The answer ended in order, and too soon or too late.
    #[error("{got} bytes came, of {expected}")]
    Short {
        /// The bytes that came.
        got: u64,
        /// The bytes that the server had announced.
        expected: u64,
    },
    /// All bytes came, and they are not those of the file wanted. They were thrown away.
    #[error("its sha256 is {}, and not {}", hex(.got), hex(.expected))]
    Checksum {
        /// What it is.
        got: [u8; 32],
        /// What it should be.
        expected: [u8; 32],
        /// Some of the bytes were of an earlier attempt.
        resumed: bool,
    },
    /// The file cannot be written. Where the very last step fails, the sync of the folder, the file
    /// is there and whole, and might be gone after a power cut.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Where it was to go.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process is downloading to this file.
    #[error("{} is in use by another download", part.display())]
    InUse {
        /// The part file.
        part: PathBuf,
    },
    /// A file is in the way that this program has not made.
    #[error("{} is in the way, and none of ours: remove it", file.display())]
    NotOurs {
        /// Where the part would be, or what tells its origin.
        file: PathBuf,
    },
    /// A file of that name has appeared meanwhile, and is kept.
    #[error("{} is there already (--force replaces it)", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file of that name was there before, and is another.
    #[error("{} is there already, and has another sha256 (--force replaces it)", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
    },
    /// Another download of this run has this name, or wants it.
    #[error("would be saved as {}, in the way of another", path.display())]
    NameTaken {
        /// The file.
        path: PathBuf,
    },
}

impl DownloadError {
    /// Whether the same request may do better another time.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Transfer(error) => !error.is_redirect() && !error.is_builder(),
            Self::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
            }
            Self::Short { .. } => true,
            // What was put together of two attempts may not have belonged together.
            Self::Checksum { resumed, .. } => *resumed,
            _ => false,
        }
    }

    /// The disk is full.
    pub fn is_disk_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Disk { source, .. } if full.contains(&source.kind()))
    }

    /// The pause before the next attempt, where the back-off has come to `backoff`: what the server
    /// asks for, or else a random part of the back-off (full jitter). `random` is from 0 to 1.
    pub fn pause(&self, backoff: Duration, random: f64) -> Duration {
        match self {
            Self::Status { retry_after: Some(asked_for), .. } => *asked_for,
            _ => backoff.mul_f64(random),
        }
        .min(LONGEST_PAUSE)
    }
}

impl From<reqwest::Error> for DownloadError {
    fn from(error: reqwest::Error) -> Self {
        // Who reads the error knows the URL. And it may hold a password.
        Self::Transfer(error.without_url())
    }
}

/// Reads a `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is for ever, and will be capped.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// What lies at the bottom of an error. What lies between only says that something lies below.
fn deepest(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    match causes.last() {
        _ if error.is_timeout() && error.is_connect() => "timed out while connecting".into(),
        _ if error.is_timeout() => "timed out: no byte has come for too long".into(),
        Some(cause) if error.is_connect() => format!("cannot connect: {cause}"),
        Some(cause) => format!("the transfer broke off: {cause}"),
        None => error.to_string(),
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, retry_after: Option<Duration>) -> DownloadError {
        DownloadError::Status { status: StatusCode::from_u16(code).unwrap(), retry_after }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (error, may_pass) in [
            (status(408, None), true),
            (status(429, None), true),
            (status(503, None), true),
            (status(404, None), false),
            (status(206, None), false),
            (DownloadError::Short { got: 1, expected: 2 }, true),
            (DownloadError::Checksum { got: [0; 32], expected: [1; 32], resumed: true }, true),
            (DownloadError::Checksum { got: [0; 32], expected: [1; 32], resumed: false }, false),
            (DownloadError::InvalidUrl, false),
            (DownloadError::Exists { path: "x".into() }, false),
        ] {
            assert_eq!(error.may_pass(), may_pass, "{error:?}");
        }
    }

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

    #[test]
    fn the_server_says_how_long_and_chance_says_it_otherwise() {
        let second = Duration::from_secs(1);
        for (asked, backoff, random, expected) in [
            (None, 2 * second, 0.5, second),
            (None, 1000 * second, 1.0, LONGEST_PAUSE),
            (Some(3 * second), second, 0.5, 3 * second),
            (Some(Duration::MAX), second, 0.5, LONGEST_PAUSE),
        ] {
            assert_eq!(status(503, asked).pause(backoff, random), expected);
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sun, 06 Nov 1994 08:49:17 GMT", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
