//! Decides when to retry, and how long to pause first. These are pure functions, without any I/O.

use std::time::Duration;

use reqwest::StatusCode;

use crate::FetchError;

/// The longest pause between two attempts, even if the server asks for a longer one.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Returns whether the failure is transient: the same request may succeed a moment later. Repeating
/// it is safe, because a GET changes nothing on the server.
pub fn is_transient(error: &FetchError) -> bool {
    match error {
        FetchError::Connect(_)
        | FetchError::TimedOut(_)
        | FetchError::Broken(_)
        | FetchError::Damaged(_) => true,
        FetchError::Status { status, .. } => matches!(
            *status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::INTERNAL_SERVER_ERROR
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        FetchError::InvalidUrl
        | FetchError::Certificate(_)
        | FetchError::TooManyRedirects
        | FetchError::UnsupportedRedirect
        | FetchError::TooLarge { .. }
        | FetchError::Coding(_) => false,
    }
}

/// Returns the pause before the next attempt. If the server sent `Retry-After`, this is the time
/// that the server asked for. Otherwise, it is a random fraction of `backoff`, the upper bound that
/// grows from attempt to attempt. The pause is never longer than [`LONGEST_PAUSE`].
///
/// `random` is a number from 0 to 1. Making the whole pause random is called *full jitter*: clients
/// that failed at the same moment then don't all retry at the same moment. (Source: "Exponential
/// Backoff And Jitter", Marc Brooker, AWS Architecture Blog, 2015.)
pub fn pause(error: &FetchError, backoff: Duration, random: f64) -> Duration {
    match error {
        FetchError::Status { retry_after: Some(asked_for), .. } => *asked_for,
        _ => backoff.mul_f64(random),
    }
    .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phase;

    fn status(code: u16) -> FetchError {
        FetchError::Status { status: StatusCode::from_u16(code).unwrap(), retry_after: None }
    }

    #[test]
    fn only_transient_failures_are_retried() {
        for code in [429, 500, 502, 503, 504] {
            assert!(is_transient(&status(code)), "{code}");
        }
        for code in [301, 400, 401, 403, 404, 410, 501, 505] {
            assert!(!is_transient(&status(code)), "{code}");
        }
        assert!(is_transient(&FetchError::TimedOut(Phase::Whole)));
        assert!(!is_transient(&FetchError::InvalidUrl));
        assert!(!is_transient(&FetchError::TooLarge { limit: 1 }));
        assert!(!is_transient(&FetchError::Certificate("unknown issuer".into())));
        assert!(!is_transient(&FetchError::TooManyRedirects));
    }

    #[test]
    fn the_pause_is_what_the_server_asks_for_or_else_random() {
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
}
