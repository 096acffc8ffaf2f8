//! The arithmetic of the window. This code never waits, so we can test it with a table of times.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::Grant;

/// The times of the last grants, oldest first. The list never holds more times than the limit.
///
/// With a limit of 3, the list holds three times. The fourth grant has to wait until the first one
/// is a whole window old. The time of the fourth grant then replaces the time of the first one, and
/// the fifth grant waits until the second one is a window old:
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
///
/// For requests that were granted together, the list holds one time and the number of requests.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    batches: VecDeque<Batch>,
    /// The number of requests in `batches`.
    kept: usize,
    /// The number of requests granted since the limiter was created.
    granted: u64,
    /// The number of waiting callers. While it is not zero, a new caller has to wait behind them.
    pub(crate) waiting: usize,
}

/// Requests that were granted together.
#[derive(Debug)]
struct Batch {
    at: Instant,
    count: usize,
}

impl Grants {
    /// Grants `n` requests at the time `now`, or returns the earliest time at which it could grant
    /// them.
    ///
    /// If the window has no room for `n` more requests, some of the oldest grants have to leave the
    /// window first. The last of these leaves one window after it was granted.
    pub(crate) fn take(
        &mut self,
        n: usize,
        now: Instant,
        max_requests: usize,
        time_window: Duration,
    ) -> Result<Grant, Instant> {
        let leaving = self.kept.saturating_sub(max_requests - n);
        if let Some(last) = self.time_of(leaving) {
            let free_at = last + time_window;
            if free_at > now {
                return Err(free_at);
            }
        }
        self.forget(leaving);
        let sequence = self.granted;
        if n > 0 {
            self.reserve(max_requests);
            self.batches.push_back(Batch { at: now, count: n });
            self.kept += n;
            self.granted += n as u64;
        }
        Ok(Grant { at: now, sequence })
    }

    /// Changes the time of the newest grant. Returns false, and changes nothing, if `grant` is not
    /// the newest.
    pub(crate) fn restamp(&mut self, grant: Grant, now: Instant) -> bool {
        let newest = self.batches.back_mut();
        match newest.filter(|batch| self.granted - batch.count as u64 == grant.sequence) {
            Some(batch) => {
                batch.at = now;
                true
            }
            None => false,
        }
    }

    /// Returns the time at which the `n`th of the kept requests was granted, or `None` if `n` is
    /// zero.
    fn time_of(&self, n: usize) -> Option<Instant> {
        let mut counted = 0;
        let reaches = |batch: &&Batch| {
            counted += batch.count;
            counted >= n
        };
        self.batches.iter().find(reaches).filter(|_| n > 0).map(|batch| batch.at)
    }

    /// Forgets the `n` oldest requests.
    fn forget(&mut self, n: usize) {
        self.kept -= n;
        let mut left = n;
        while let Some(oldest) = self.batches.front_mut().filter(|_| left > 0) {
            let leaving = left.min(oldest.count);
            oldest.count -= leaving;
            left -= leaving;
            if oldest.count == 0 {
                self.batches.pop_front();
            }
        }
    }

    /// Makes room for one more batch. Like a `Vec`, the list doubles when it is full, but it never
    /// grows past the limit.
    fn reserve(&mut self, max_requests: usize) {
        let (length, room) = (self.batches.len(), self.batches.capacity());
        if length == room {
            self.batches.reserve_exact((2 * room).max(1).min(max_requests) - length);
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
    fn memory_grows_with_use_to_at_most_24_bytes_per_request() {
        assert_eq!(size_of::<Batch>(), 24);
        let start = Instant::now();
        for limit in [1_usize, 5, 100, 1000] {
            let mut grants = Grants::default();
            assert_eq!(grants.batches.capacity(), 0, "no memory before the first grant");
            for granted in 1..3 * limit {
                let now = start + SECOND * granted as u32;
                assert!(grants.take(1, now, limit, SECOND).is_ok());
                // The list doubles when it is full, and stops growing at the limit.
                let expected = granted.next_power_of_two().min(limit);
                assert_eq!(grants.batches.capacity(), expected, "after {granted} of {limit}");
            }
        }
        // Requests that are granted together need only one batch.
        let mut grants = Grants::default();
        assert!(grants.take(1000, start, 1000, SECOND).is_ok());
        assert_eq!(grants.batches.capacity(), 1);
        // With this limit, a full list would not fit into memory.
        assert!(Grants::default().take(1, start, usize::MAX, SECOND).is_ok());
    }

    #[test]
    fn a_batch_leaves_the_window_request_by_request() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut grants = Grants::default();
        for (n, now, expected) in [
            (4, 0, Ok(0)),
            (3, 500, Ok(4)),
            (3, 500, Err(1000)), // the limit is 8: two of the first batch have to leave
            (2, 500, Err(1000)),
        ]
        .into_iter()
        .chain([
            (6, 1000, Ok(7)),
            (2, 1000, Err(1500)),
            (1, 1000, Ok(13)),
            (1, 1000, Err(1500)),
        ]) {
            let limit = if now < 1000 { 8 } else { 10 };
            let expected = match expected {
                Ok(sequence) => Ok(Grant { at: at(now), sequence }),
                Err(free_at) => Err(at(free_at)),
            };
            assert_eq!(grants.take(n, at(now), limit, SECOND), expected, "{n} at {now} ms");
        }
    }

    #[test]
    fn only_the_newest_grant_gets_another_time() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut grants = Grants::default();
        let first = grants.take(1, at(0), 2, SECOND).unwrap();
        assert!(grants.restamp(first, at(300)));
        let second = grants.take(1, at(400), 2, SECOND).unwrap();
        assert!(!grants.restamp(first, at(500)));
        assert!(grants.restamp(second, at(700)));
        assert_eq!(grants.take(1, at(1000), 2, SECOND), Err(at(1300)));
        assert!(grants.take(1, at(1300), 2, SECOND).is_ok());
        assert_eq!(grants.take(1, at(1300), 2, SECOND), Err(at(1700)));
    }
}
