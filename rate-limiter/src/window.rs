//! The arithmetic of the window. This code never waits, so we can test it with a table of times.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::Grant;

/// The times of the last grants, oldest first. There are never more of them than the limit.
///
/// With a limit of 3, the list holds three times. The fourth grant has to wait until the first one
/// is a whole window old. It then replaces the first one, and the fifth grant waits for the second:
///
/// ```text
/// grant   1 2   3                4 5   6
///        ─┼─┼───┼────────────────┼─┼───┼──────► time
///         └──── one window ──────┘ │   │
///           └──── one window ──────┘   │
///               └──── one window ──────┘
/// ```
///
/// So no window ever has more than three grants in it, no matter where it starts.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    times: VecDeque<Instant>,
    /// How many requests have been granted since the limiter was created.
    granted: u64,
    /// How many callers are waiting. While this is not zero, a new caller has to wait behind them.
    pub(crate) waiting: usize,
}

impl Grants {
    /// Grants `n` requests at the time `now`, or returns the earliest time at which they fit.
    ///
    /// If the window has no room for `n` more, some of the oldest grants have to leave it first.
    /// The last of these leaves one window after it was granted.
    pub(crate) fn take(
        &mut self,
        n: usize,
        now: Instant,
        max_requests: usize,
        time_window: Duration,
    ) -> Result<Grant, Instant> {
        let leaving = (self.times.len() + n).saturating_sub(max_requests);
        if leaving > 0 {
            let free_at = self.times[leaving - 1] + time_window;
            if free_at > now {
                return Err(free_at);
            }
        }
        self.times.drain(..leaving);
        self.reserve(n, max_requests);
        self.times.extend(std::iter::repeat_n(now, n));
        let sequence = self.granted;
        self.granted += n as u64;
        Ok(Grant { at: now, sequence })
    }

    /// Makes room for `n` more times. Like a `Vec`, the list doubles when it is full, but it never
    /// grows past the limit.
    fn reserve(&mut self, n: usize, max_requests: usize) {
        let needed = self.times.len() + n;
        if needed > self.times.capacity() {
            let room = (2 * self.times.capacity()).max(needed).min(max_requests);
            self.times.reserve_exact(room - self.times.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_grant_waits_until_enough_old_grants_have_left_the_window() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut grants = Grants::default();
        // Each row has the number of requests, the time of the call, and the expected result: a
        // sequence number or, if the requests don't fit yet, the earliest time at which they do.
        // The limit is 3 in any second.
        for (n, now, expected) in [
            (1, 0, Ok(0)),
            (1, 100, Ok(1)),
            (2, 100, Err(1000)), // one of the two would fit, but both must be granted together
            (1, 300, Ok(2)),
            (1, 999, Err(1000)),
            (2, 999, Err(1100)),
            (1, 1000, Ok(3)),
            (2, 1100, Err(1300)),
            (1, 1100, Ok(4)),
            (3, 5000, Ok(5)),
            (1, 5000, Err(6000)),
            (0, 5000, Ok(8)),
        ] {
            let expected = match expected {
                Ok(sequence) => Ok(Grant { at: at(now), sequence }),
                Err(free_at) => Err(at(free_at)),
            };
            assert_eq!(grants.take(n, at(now), 3, SECOND), expected, "{n} at {now} ms");
        }
    }

    #[test]
    fn memory_grows_with_use_to_at_most_sixteen_bytes_per_request() {
        assert_eq!(size_of::<Instant>(), 16);
        let start = Instant::now();
        for limit in [1_usize, 5, 100, 1000] {
            let mut grants = Grants::default();
            assert_eq!(grants.times.capacity(), 0, "no memory before the first grant");
            for granted in 1..3 * limit {
                let now = start + SECOND * granted as u32;
                assert!(grants.take(1, now, limit, SECOND).is_ok());
                // The list doubles when it is full, and stops growing at the limit.
                let expected = granted.next_power_of_two().min(limit);
                assert_eq!(grants.times.capacity(), expected, "after {granted} of {limit}");
            }
        }
        // With this limit, a full list would not fit into memory.
        assert!(Grants::default().take(1, start, usize::MAX, SECOND).is_ok());
    }
}
