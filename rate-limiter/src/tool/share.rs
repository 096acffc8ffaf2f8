//! The arithmetic for `--spread`.

use std::time::Duration;

/// Divides a window into `parts` equal parts. Returns how many of the `limit` requests each part
/// may have, and how long a part is.
///
/// The limit of the whole window holds, because the share is rounded down and the time is rounded
/// up. There are never more parts than requests.
pub fn share(limit: usize, window: Duration, parts: usize) -> (usize, Duration) {
    let parts = parts.min(limit).max(1);
    let nanoseconds = window.as_nanos().div_ceil(parts as u128);
    (limit / parts, Duration::from_nanos_u128(nanoseconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn the_parts_together_never_exceed_the_limit(
            limit in 1_usize..5000,
            nanoseconds in 1_u64..10_000_000_000,
            parts in 1_usize..5000,
        ) {
            let window = Duration::from_nanos(nanoseconds);
            let (requests, time) = share(limit, window, parts);
            prop_assert!(requests > 0);
            // Any window is at most this many parts long.
            let touched = window.as_nanos().div_ceil(time.as_nanos());
            prop_assert!(touched * requests as u128 <= limit as u128);
        }
    }

    #[test]
    fn a_window_is_divided_evenly() {
        let second = Duration::from_secs(1);
        for (limit, parts, expected) in [
            (4, 4, (1, Duration::from_millis(250))),
            (1000, 20, (50, Duration::from_millis(50))),
            (7, 20, (1, Duration::from_nanos(142_857_143))),
            (3, 1, (3, second)),
            (0, 4, (0, second)),
        ] {
            assert_eq!(share(limit, second, parts), expected, "{limit} in {parts} parts");
        }
    }
}
