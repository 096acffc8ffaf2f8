//! Decides when to retry, and how long to pause first. These are pure functions, without any I/O.

use std::time::Duration;

use crate::DownloadError;

/// The longest pause between two attempts, whatever a server asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether the failure is transient: the same request may succeed a moment later.
pub fn is_transient(error: &DownloadError) -> bool {
    match error {
        DownloadError::Transfer(error) => !error.is_builder(),
        DownloadError::Status { status, .. } => {
            matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
        }
        DownloadError::Short { .. } | DownloadError::TooSlow { .. } => true,
        // The bytes that two attempts have received may belong to different versions.
        DownloadError::Checksum { resumed, .. } => *resumed,
        _ => false,
    }
}

/// Returns the pause before the next attempt. If the server sent `Retry-After`, that is the pause;
/// otherwise, it is a random part of `backoff` (full jitter). The pause is never longer than
/// [`LONGEST_PAUSE`]. `random` is a number from 0 to 1.
pub fn pause(error: &DownloadError, backoff: Duration, random: f64) -> Duration {
    match error {
        DownloadError::Status { retry_after: Some(asked_for), .. } => *asked_for,
        _ => backoff.mul_f64(random),
    }
    .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn status(code: u16, retry_after: Option<Duration>) -> DownloadError {
        DownloadError::Status { status: StatusCode::from_u16(code).unwrap(), retry_after }
    }

    #[test]
    fn only_transient_failures_are_retried() {
        let checksum =
            |resumed| DownloadError::Checksum { got: [0; 32], expected: [1; 32], resumed };
        for (error, transient) in [
            (status(408, None), true),
            (status(429, None), true),
            (status(503, None), true),
            (status(404, None), false),
            (status(206, None), false),
            (DownloadError::Short { got: 1, expected: 2 }, true),
            (checksum(true), true),
            (checksum(false), false),
            (DownloadError::TooSlow { bytes: 1, over: Duration::from_secs(30) }, true),
            (DownloadError::Certificate("unknown issuer".into()), false),
            (DownloadError::TooManyRedirects, false),
            (DownloadError::UnsupportedRedirect, false),
            (DownloadError::Long { expected: 1 }, false),
            (DownloadError::InvalidUrl, false),
            (DownloadError::Exists { path: "x".into() }, false),
        ] {
            assert_eq!(is_transient(&error), transient, "{error:?}");
        }
    }

    #[test]
    fn the_server_decides_how_long_to_pause_otherwise_the_pause_is_random() {
        let second = Duration::from_secs(1);
        for (asked, backoff, random, expected) in [
            (None, 2 * second, 0.5, second),
            (None, 1000 * second, 1.0, LONGEST_PAUSE),
            (Some(3 * second), second, 0.5, 3 * second),
            (Some(Duration::MAX), second, 0.5, LONGEST_PAUSE),
        ] {
            assert_eq!(pause(&status(503, asked), backoff, random), expected);
        }
    }
}
