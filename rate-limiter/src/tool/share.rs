//! Calculates how `--spread` divides a window.

use std::time::Duration;

/// No part of a window is shorter than this. Otherwise, the timers, which fire at the next full
/// millisecond, would make each part noticeably longer.
const SHORTEST: Duration = Duration::from_millis(50);

/// Divides a window into parts. Returns the number of requests in each part, and the length of a
/// part. A part has the same rate as the whole window, except that its length is rounded up.
pub fn share(limit: usize, window: Duration) -> (usize, Duration) {
    let parts = usize::try_from(window.as_nanos() / SHORTEST.as_nanos()).unwrap_or(usize::MAX);
    let requests = limit.div_ceil(parts.clamp(1, limit.max(1)));
    // Both divisions are rounded up, so a part is never too short. The second division is for
    // numbers that are too large for the first.
    let product = window.as_nanos().checked_mul(requests as u128);
    let nanoseconds = match product {
        Some(product) => product.div_ceil(limit.max(1) as u128),
        None => window.as_nanos().div_ceil((limit / requests) as u128),
    };
    (requests, Duration::from_nanos_u128(nanoseconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_part_has_the_rate_of_the_whole_window(
            limit in 1_usize..5000,
            nanoseconds in 1_u64..10_000_000_000,
        ) {
            let (requests, part) = share(limit, Duration::from_nanos(nanoseconds));
            prop_assert!((1..=limit).contains(&requests));
            // limit / window = requests / part, except that the part is rounded up.
            let (whole, shared) = (u128::from(nanoseconds) * requests as u128, part.as_nanos() * limit as u128);
            prop_assert!(shared >= whole && shared < whole + limit as u128);
        }
    }

    #[test]
    fn a_window_is_divided_into_parts_of_at_least_50_ms() {
        let ms = Duration::from_millis;
        for (limit, window, expected) in [
            (4, ms(1000), (1, ms(250))),
            (20, ms(1000), (1, ms(50))),
            (1000, ms(1000), (50, ms(50))),
            (39, ms(500), (4, Duration::from_nanos(51_282_052))),
            (7, ms(1), (7, ms(1))),
            (0, ms(1000), (0, Duration::ZERO)),
            (usize::MAX, Duration::MAX, (1, Duration::new(1, 1))),
        ] {
            assert_eq!(share(limit, window), expected, "{limit} per {window:?}");
        }
    }
}
