//! Never more than N in any window: exercise 2, and what its usual solutions get wrong.
//!
//! A token bucket or a fixed window lets up to 2 N through one window: N at its end, N more at the
//! start of the next. This limiter keeps the times of the last N grants; the next grant waits until
//! the oldest of them is a whole window ago. That is exact, at every moment.
//!
//! Run with: `cargo run -p rate-limiter`

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
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
    /// An ordinary lock: held for a few instructions, and never across an `.await`.
    grants: Mutex<Grants>,
    /// The queue of those who wait. An async lock, because it is held across an `.await`: whoever
    /// sleeps until the next grant holds it, and everybody else queues for it. Tokio's lock serves
    /// its queue strictly first in, first out, and that is the whole order of this limiter: no list
    /// of waiters, and one sleeper at a time.
    turn: tokio::sync::Mutex<()>,
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
        // A century on top: `Grants::take` adds the window to times yet to come.
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        if time_window.checked_add(CENTURY).and_then(|d| Instant::now().checked_add(d)).is_none() {
            return Err(LimitError::WindowTooLong(time_window));
        }
        Ok(Self { max_requests, time_window, grants: Mutex::default(), turn: Default::default() })
    }

    /// Waits for its turn.
    ///
    /// Callers are served strictly in the order in which they first polled. Dropping the future
    /// gives its place in the queue to the next and costs nobody anything: nothing is written down
    /// before the last `.await`. But do not keep it unpolled: asleep, it holds up all the others.
    pub async fn acquire(&self) -> Grant {
        match self.grant_or_wait(1) {
            Ok(grant) => grant,
            Err(waiting) => waiting.in_line(1).await,
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
        match self.grant_or_wait(n) {
            Ok(grant) => Ok(grant),
            Err(waiting) => Ok(waiting.in_line(n).await),
        }
    }

    /// Takes a grant if there is one for the taking. Never waits, and never jumps the queue: while
    /// somebody waits, there is none.
    pub fn try_acquire(&self) -> Option<Grant> {
        let mut grants = self.grants();
        if grants.waiting > 0 { None } else { grants.take(1, self).ok() }
    }

    /// A grant, where nobody waits and one is free; else a place among those who wait.
    fn grant_or_wait(&self, n: usize) -> Result<Grant, Waiting<'_>> {
        let mut grants = self.grants();
        if grants.waiting == 0
            && let Ok(grant) = grants.take(n, self)
        {
            return Ok(grant);
        }
        grants.waiting += 1;
        Err(Waiting(self))
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        // Nothing that can panic is done under it.
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits, until this is dropped. Whoever comes meanwhile has to queue.
struct Waiting<'a>(&'a RateLimiter);

impl Waiting<'_> {
    /// Waits for `n`, behind all who came before.
    async fn in_line(self, n: usize) -> Grant {
        let limiter = self.0;
        // Dropped here: the lock takes us out of its queue.
        let _turn = limiter.turn.lock().await;
        loop {
            // The time is taken anew after every sleep. That of our arrival would be a whole window
            // old by then, and a limiter that wrote it down would let the next one in too soon.
            let taken = limiter.grants().take(n, limiter);
            match taken {
                Ok(grant) => return grant,
                // Dropped here: the lock is released, and the next in line sleeps in our stead.
                Err(free_at) => sleep_until(free_at).await,
            }
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.grants().waiting -= 1;
    }
}

/// What has been granted. No waiting in here: when the next may come is a matter of arithmetic.
#[derive(Debug, Default)]
struct Grants {
    /// The times of the last grants, oldest first, at most as many as the limit.
    times: VecDeque<Instant>,
    granted: u64,
    waiting: usize,
}

impl Grants {
    /// Grants `n` now, or says from when on they fit: so many of the oldest grants have to leave the
    /// window first, and the last of them leaves it a window after its time.
    fn take(&mut self, n: usize, limiter: &RateLimiter) -> Result<Grant, Instant> {
        let now = Instant::now();
        let leaving = (self.times.len() + n).saturating_sub(limiter.max_requests);
        if leaving > 0 {
            let free_at = self.times[leaving - 1] + limiter.time_window;
            if free_at > now {
                return Err(free_at);
            }
        }
        for _ in 0..leaving {
            self.times.pop_front();
        }
        self.make_room(n, limiter.max_requests);
        for _ in 0..n {
            self.times.push_back(now);
        }
        let sequence = self.granted;
        self.granted += n as u64;
        Ok(Grant { at: now, sequence })
    }

    /// Twice as much each time, as any list grows, but never more than it can ever hold.
    fn make_room(&mut self, n: usize, limit: usize) {
        let needed = self.times.len() + n;
        if needed > self.times.capacity() {
            let room = (2 * self.times.capacity()).max(needed).min(limit);
            self.times.reserve_exact(room - self.times.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_use_and_never_past_sixteen_bytes_a_request() {
        assert_eq!(size_of::<Instant>(), 16);
        for limit in [1, 5, 100, 1000] {
            let limiter = RateLimiter::new(limit, Duration::from_nanos(1)).unwrap();
            assert_eq!(limiter.grants().times.capacity(), 0, "nothing before the first grant");
            for granted in 1..3 * limit {
                // A window is over at the next tick of the clock.
                assert!((0..1_000_000).any(|_| limiter.try_acquire().is_some()));
                // It doubles when it is full, and stops at the limit.
                let expected = granted.next_power_of_two().min(limit);
                let capacity = limiter.grants().times.capacity();
                assert_eq!(capacity, expected, "after {granted} of {limit}");
            }
        }
        // A limit that could not be held in memory at all.
        let limiter = RateLimiter::new(usize::MAX, Duration::from_secs(1)).unwrap();
        assert!(limiter.try_acquire().is_some());
    }
}
