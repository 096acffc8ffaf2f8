//! When to try again, and what of a URL may be shown: rules without any I/O.

use std::time::{Duration, SystemTime};

use reqwest::{StatusCode, Url};

use crate::FetchError;

/// No pause is longer, whatever a server asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether the same request may do better another time. Asking again is safe: a GET changes nothing.
pub fn may_pass(error: &FetchError) -> bool {
    match error {
        FetchError::Connect(_) | FetchError::TimedOut(_) | FetchError::Broken(_) => true,
        FetchError::Status { status, .. } => matches!(
            *status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::INTERNAL_SERVER_ERROR
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        FetchError::InvalidUrl | FetchError::Redirect(_) | FetchError::TooLarge { .. } => false,
    }
}

/// The pause before the next attempt, where the back-off has come to `backoff`: what the server asks
/// for, or else a random part of the back-off.
///
/// `random` is from 0 to 1. That all of the pause is left to chance is called full jitter: clients
/// that failed together do not come back together. (Source: "Exponential Backoff And Jitter", Marc
/// Brooker, AWS Architecture Blog, 2015.)
pub fn pause(error: &FetchError, backoff: Duration, random: f64) -> Duration {
    match error {
        FetchError::Status { retry_after: Some(asked_for), .. } => *asked_for,
        _ => backoff.mul_f64(random),
    }
    .min(LONGEST_PAUSE)
}

/// Reads a `Retry-After` header, which holds seconds or a date (RFC 9110, section 10.2.3). A date that
/// has passed is no pause at all.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is for ever, and will be capped.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The URL, if it is one of http or https.
pub fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// The URL as it may be shown: without user name and password.
pub fn without_credentials(url: &str) -> String {
    if let Some(mut parsed) = http_url(url) {
        if parsed.username().is_empty() && parsed.password().is_none() {
            return url.into();
        }
        if parsed.set_username("").is_ok() && parsed.set_password(None).is_ok() {
            return parsed.into();
        }
    }
    // No such URL, but perhaps meant as one: whatever stands before an `@` may be a password.
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("***@{rest}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phase;

    fn status(code: u16) -> FetchError {
        FetchError::Status { status: StatusCode::from_u16(code).unwrap(), retry_after: None }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [429, 500, 502, 503, 504] {
            assert!(may_pass(&status(code)), "{code}");
        }
        for code in [301, 400, 401, 403, 404, 410, 501, 505] {
            assert!(!may_pass(&status(code)), "{code}");
        }
        assert!(may_pass(&FetchError::TimedOut(Phase::Whole)));
        assert!(!may_pass(&FetchError::InvalidUrl));
        assert!(!may_pass(&FetchError::TooLarge { limit: 1 }));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // 1994-11-06 08:49:37, the date of the examples in RFC 9110.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sun, 06 Nov 1994 08:49:17 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:38 1994", Some(1)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999", Some(u64::MAX)),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn the_server_says_how_long_and_chance_says_it_otherwise() {
        let second = Duration::from_secs(1);
        let asked = |retry_after| FetchError::Status {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after,
        };
        for (error, backoff, random, expected) in [
            (asked(None), second, 0.0, Duration::ZERO),
            (asked(None), second, 0.5, second / 2),
            (asked(None), second, 1.0, second),
            (asked(Some(3 * second)), second, 0.5, 3 * second),
            (asked(Some(Duration::ZERO)), second, 0.5, Duration::ZERO),
            (asked(Some(Duration::MAX)), second, 0.5, LONGEST_PAUSE),
            (asked(None), 100 * second, 1.0, LONGEST_PAUSE),
        ] {
            assert_eq!(pause(&error, backoff, random), expected, "{error:?} {backoff:?} {random}");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        for (url, shown) in [
            ("http://host/path", "http://host/path"),
            ("http://HOST", "http://HOST"),
            ("http://me@host/", "http://host/"),
            ("http://me:secret@host/a?b#c", "http://host/a?b#c"),
            ("http:me:secret@host/a", "http://host/a"),
            ("http://host/me@home", "http://host/me@home"),
            ("me:secret@host/a", "***@host/a"),
            ("http://me:sec/ret@host:port/a", "***@host:port/a"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_credentials(url), shown, "{url}");
        }
    }
}
