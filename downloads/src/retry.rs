//! Decides when to retry, and how long to pause first. These are pure functions, without any I/O.

use std::time::{Duration, SystemTime};

use crate::DownloadError;

/// The longest pause between two attempts, whatever a server asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether the failure is transient: the same request may succeed a moment later.
pub fn is_transient(error: &DownloadError) -> bool {
    match error {
        DownloadError::Transfer(error) => !error.is_redirect() && !error.is_builder(),
        DownloadError::Status { status, .. } => {
            matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
        }
        DownloadError::Short { .. } => true,
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

/// Parses a `Retry-After` header, which holds a number of seconds or a date (RFC 9110, section
/// 10.2.3). A date in the past means that there is no need to pause. Returns `None` if the header
/// is neither.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large for a `u64` is longer than any pause, and `pause` reduces it
        // to the longest pause.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
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
