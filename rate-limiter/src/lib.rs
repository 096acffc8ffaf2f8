//! Never more than N in any window: exercise 2, and what its usual solutions get wrong.
//!
//! A token bucket or a fixed window lets up to 2 N through one window: N at its end, N more at the
//! start of the next. This limiter keeps the times of the last N grants; the next grant waits until
//! the oldest of them is a whole window ago. That is exact, at every moment.
//!
//! Run with: `cargo run -p rate-limiter`

use std::collections::VecDeque;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Grants at most a number of requests in any window of time, first come first served.
///
/// For every k, grant k + `max_requests` comes at least one `time_window` after grant k, by
/// [`Grant::at`]. Shared by reference or in an `Arc`; there is no task or thread behind it. It
/// remembers the last `max_requests` grants, 16 bytes each, and takes the memory as it needs it.
#[derive(Debug)]
pub struct RateLimiter {
    max_requests: usize,
    time_window: Duration,
    /// An async lock, because it is held across an `.await`: whoever sleeps until the next grant
    /// holds it, and everybody else queues for it. Tokio's lock serves its queue strictly first in,
    /// first out, and that is the whole order of this limiter: no list of waiters, and one sleeper
    /// at a time.
    grants: Mutex<Grants>,
}

/// Leave to go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// When it was given: the time inside `acquire` after its last `.await`.
    pub at: Instant,
    /// How many requests were granted before this one.
    pub sequence: u64,
}

/// Why there can be no such limiter, or no such grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// With no requests allowed, `acquire` would wait for ever.
    #[error("a limit of zero requests would never let one through")]
    NoRequests,
    /// In no time there is no rate.
    #[error("a window of zero length limits nothing")]
    NoWindow,
    /// The clock cannot count that far.
    #[error("a window of {0:?} is longer than the clock can count")]
    WindowTooLong(Duration),
    /// More were asked for at once than any window may hold.
    #[error("{asked} requests at once would never fit into a limit of {limit}")]
    TooMany {
        /// The number asked for.
        asked: usize,
        /// The limit.
        limit: usize,
    },
}

impl RateLimiter {
    /// A limiter that has granted nothing yet.
    ///
    /// # Errors
    /// Zero of either, and a window that overflows the clock.
    pub fn new(max_requests: usize, time_window: Duration) -> Result<Self, LimitError> {
        if max_requests == 0 {
            return Err(LimitError::NoRequests);
        }
        if time_window.is_zero() {
            return Err(LimitError::NoWindow);
        }
        // A century on top: `Grants::free_at` adds the window to times yet to come.
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        if time_window.checked_add(CENTURY).and_then(|d| Instant::now().checked_add(d)).is_none() {
            return Err(LimitError::WindowTooLong(time_window));
        }
        Ok(Self { max_requests, time_window, grants: Mutex::default() })
    }

    /// Waits for its turn.
    ///
    /// Callers are served strictly in the order in which they first polled. Dropping the future
    /// gives its place in the queue to the next and costs nobody anything: nothing is written down
    /// before the last `.await`. But do not keep it unpolled: asleep, it holds up all the others.
    pub async fn acquire(&self) -> Grant {
        // Mostly nobody waits and one is free; this way is the short one.
        match self.try_acquire() {
            Some(grant) => grant,
            None => self.grant(1).await,
        }
    }

    /// Waits until `n` requests may go ahead at once, and grants them together, as if at the same
    /// moment by `n` calls in a row: their sequence numbers follow on the one returned.
    ///
    /// Small callers do not overtake a large one that waits. Dropped, it is as [`acquire`] is.
    ///
    /// # Errors
    /// At once if `n` is above the limit: no window would ever hold it.
    ///
    /// [`acquire`]: Self::acquire
    pub async fn acquire_many(&self, n: usize) -> Result<Grant, LimitError> {
        if n > self.max_requests {
            return Err(LimitError::TooMany { asked: n, limit: self.max_requests });
        }
        Ok(self.grant(n).await)
    }

    /// Takes a grant if there is one for the taking. Never waits, and never jumps the queue: while
    /// somebody waits, or is just being served on another thread, there is none.
    pub fn try_acquire(&self) -> Option<Grant> {
        let mut grants = self.grants.try_lock().ok()?;
        let now = Instant::now();
        let free =
            grants.free_at(1, self.max_requests, self.time_window).is_none_or(|at| at <= now);
        free.then(|| grants.write_down(1, now, self.max_requests))
    }

    async fn grant(&self, n: usize) -> Grant {
        // Dropped here: the lock takes us out of its queue.
        let mut grants = self.grants.lock().await;
        let mut now = Instant::now();
        let free_at = grants.free_at(n, self.max_requests, self.time_window);
        if let Some(free_at) = free_at.filter(|free_at| *free_at > now) {
            // Dropped here: the lock is released, and the next in the queue sleeps in our stead.
            sleep_until(free_at).await;
            // Not the time of our arrival: that is a whole window old by now, and a limiter that
            // wrote it down would let the next one in too soon.
            now = Instant::now();
        }
        grants.write_down(n, now, self.max_requests)
    }
}

/// The times of the last grants, oldest first, at most as many as the limit. No waiting in here:
/// when the next may come is a matter of arithmetic.
#[derive(Debug, Default)]
struct Grants {
    times: VecDeque<Instant>,
    granted: u64,
}

impl Grants {
    /// When `n` more fit, at most `limit`: at once if `None`. So many of the oldest have to leave the
    /// window first; the last of them leaves it a window after its grant.
    fn free_at(&self, n: usize, limit: usize, window: Duration) -> Option<Instant> {
        let leaving = (self.times.len() + n).saturating_sub(limit);
        (leaving > 0).then(|| self.times[leaving - 1] + window)
    }

    fn write_down(&mut self, n: usize, now: Instant, limit: usize) -> Grant {
        while self.times.len() + n > limit {
            self.times.pop_front();
        }
        let needed = self.times.len() + n;
        if needed > self.times.capacity() {
            // Twice as much each time, as any list grows, but never more than it can ever hold.
            let room = (2 * self.times.capacity()).max(needed).min(limit);
            self.times.reserve_exact(room - self.times.len());
        }
        self.times.extend(std::iter::repeat_n(now, n));
        let sequence = self.granted;
        self.granted += n as u64;
        Grant { at: now, sequence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_use_and_never_past_sixteen_bytes_a_request() {
        assert_eq!(size_of::<Instant>(), 16);
        for limit in [1, 5, 100, 1000] {
            let mut grants = Grants::default();
            assert_eq!(grants.times.capacity(), 0, "nothing before the first grant");
            for granted in 1..3 * limit {
                grants.write_down(1, Instant::now(), limit);
                let capacity = grants.times.capacity();
                assert!(
                    capacity <= limit.min(2 * granted),
                    "{capacity} after {granted} of {limit}"
                );
            }
        }
        // A limit that could not be held in memory at all.
        let limiter = RateLimiter::new(usize::MAX, Duration::from_secs(1)).unwrap();
        assert!(limiter.try_acquire().is_some());
    }
}
