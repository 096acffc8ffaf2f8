//! Grants at most N requests in any window of time, and shows what common solutions get wrong.
//!
//! This limiter keeps the times of the last N grants. The next grant waits until the oldest of them
//! is a whole window old. So the limit always holds, no matter where the window begins. A token
//! bucket or a fixed-window counter lets up to 2N requests through in one window: N at the end of
//! one period, and N more at the start of the next.
//!
//! Run with: `cargo run -p rate-limiter`

mod types;
mod window;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

pub use types::{Grant, LimitError};
use window::Grants;

/// Grants at most `max_requests` requests in any window of time: first come, first served.
///
/// For every k, grant k + `max_requests` comes at least one `time_window` after grant k, measured
/// by [`Grant::at`]. Share a limiter by reference or in an `Arc`; it needs no background task and
/// no thread. The limiter remembers when it granted the last `max_requests` requests. This takes 24
/// bytes per request, which are allocated as needed. Requests that are granted together share 24
/// bytes.
///
/// ```
/// use std::time::Duration;
/// use rate_limiter::RateLimiter;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let limiter = RateLimiter::new(3, Duration::from_millis(10)).unwrap();
/// for number in 1..=5 {
///     let grant = limiter.acquire().await; // the fourth has to wait
///     println!("request {number} at {:?}", grant.at);
/// }
/// # })
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    max_requests: usize,
    time_window: Duration,
    /// The last grants. An ordinary mutex is enough, because we hold it only for a few instructions
    /// and never across an `.await`.
    grants: Mutex<Grants>,
    /// The queue of the waiting callers. This is an async mutex, because it is held across an
    /// `.await`: the caller that sleeps until the next grant holds the mutex, and all others wait
    /// for it. Tokio's mutex serves its waiters strictly first in, first out, which is the order
    /// we want. So we need no list of waiters, and only one caller sleeps at a time.
    turn: tokio::sync::Mutex<()>,
}

impl RateLimiter {
    /// Creates a limiter that has not granted anything yet.
    ///
    /// # Errors
    /// Returns [`LimitError::NoRequests`] if `max_requests` is zero, [`LimitError::NoWindow`] if
    /// `time_window` is zero, and [`LimitError::WindowTooLong`] if the clock cannot represent the
    /// end of such a window.
    pub fn new(max_requests: usize, time_window: Duration) -> Result<Self, LimitError> {
        if max_requests == 0 {
            return Err(LimitError::NoRequests);
        }
        if time_window.is_zero() {
            return Err(LimitError::NoWindow);
        }
        // Later, we add the window to times up to a century from now.
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        if time_window.checked_add(CENTURY).and_then(|d| Instant::now().checked_add(d)).is_none() {
            return Err(LimitError::WindowTooLong(time_window));
        }
        Ok(Self { max_requests, time_window, grants: Mutex::default(), turn: Default::default() })
    }

    /// Waits until it is the caller's turn and the window has room.
    ///
    /// Callers are served strictly in the order in which they were first polled. If the future is
    /// dropped, the next caller moves up, and no grant is lost, because a grant is only recorded
    /// after the last `.await`. But don't keep a future that you no longer poll: it keeps its
    /// position in the queue, and everybody behind it waits.
    pub async fn acquire(&self) -> Grant {
        match self.grant_or_wait(1) {
            Ok(grant) => grant,
            Err(waiting) => waiting.in_line(1).await,
        }
    }

    /// Waits until `n` requests may go ahead together, and grants them as if you had made `n`
    /// calls one after another at that moment. The returned grant has the first sequence number;
    /// the others follow it.
    ///
    /// Callers that ask for fewer requests do not overtake this one while it waits. Dropping the
    /// future has the same effect as with [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// Returns [`LimitError::TooMany`] immediately if `n` is above the limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rate_limiter::RateLimiter;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let limiter = RateLimiter::new(3, Duration::from_millis(10)).unwrap();
    /// limiter.acquire_many(2).await.unwrap();
    /// assert!(limiter.acquire_many(4).await.is_err());
    /// # })
    /// ```
    pub async fn acquire_many(&self, n: usize) -> Result<Grant, LimitError> {
        if n > self.max_requests {
            return Err(LimitError::TooMany { asked: n, limit: self.max_requests });
        }
        match self.grant_or_wait(n) {
            Ok(grant) => Ok(grant),
            Err(waiting) => Ok(waiting.in_line(n).await),
        }
    }

    /// Returns a grant if one is available now. This never waits, and it never jumps the queue:
    /// while other callers wait, it returns `None`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rate_limiter::RateLimiter;
    ///
    /// let limiter = RateLimiter::new(1, Duration::from_secs(60)).unwrap();
    /// assert!(limiter.try_acquire().is_some());
    /// assert!(limiter.try_acquire().is_none());
    /// ```
    pub fn try_acquire(&self) -> Option<Grant> {
        let mut grants = self.grants();
        if grants.waiting > 0 { None } else { self.take(&mut grants, 1).ok() }
    }

    /// Moves a grant to the current time, so that its window starts now. Call this if something
    /// delayed you between getting the grant and using it. Returns `None`, and changes nothing, if
    /// another request has been granted in the meantime.
    ///
    /// Without `restamp`, a caller that waits for something else between the grant and its use
    /// could exceed the limit, because a part of the grant's window is already over when the caller
    /// makes its request. The limiter can change only the time of the newest grant. After an older
    /// grant, it may already have let other requests through, and these would then have come too
    /// early.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rate_limiter::RateLimiter;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let limiter = RateLimiter::new(1, Duration::from_millis(10)).unwrap();
    /// let grant = limiter.acquire().await;
    /// // ... write a line, and perhaps wait until the pipe has room ...
    /// let used = limiter.restamp(grant).expect("nobody else uses this limiter");
    /// assert!(used.at >= grant.at);
    /// # })
    /// ```
    pub fn restamp(&self, grant: Grant) -> Option<Grant> {
        // The clock is read while the lock is held, so no grant can come in between.
        let mut grants = self.grants();
        let now = Instant::now();
        grants.restamp(grant, now).then_some(Grant { at: now, ..grant })
    }

    /// Returns a grant if nobody is waiting and the window has room. Otherwise registers the
    /// caller as waiting.
    fn grant_or_wait(&self, n: usize) -> Result<Grant, Waiting<'_>> {
        let mut grants = self.grants();
        if grants.waiting == 0
            && let Ok(grant) = self.take(&mut grants, n)
        {
            return Ok(grant);
        }
        grants.waiting += 1;
        Err(Waiting(self))
    }

    fn take(&self, grants: &mut Grants, n: usize) -> Result<Grant, Instant> {
        grants.take(n, Instant::now(), self.max_requests, self.time_window)
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        // Nothing panics while the lock is held, so the lock is never poisoned.
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Represents a waiting caller, until this value is dropped. As long as it exists, new callers
/// have to queue.
struct Waiting<'a>(&'a RateLimiter);

impl Waiting<'_> {
    /// Waits for `n` grants, behind all callers that arrived earlier.
    async fn in_line(self, n: usize) -> Grant {
        let limiter = self.0;
        // If the future is dropped here, the mutex removes it from its queue.
        let _turn = limiter.turn.lock().await;
        loop {
            // We read the clock again after every sleep, because the time at which we arrived is
            // out of date by now. If we recorded that time, a later request would be granted too
            // early. (This call needs its own line: inside the `match`, the std mutex's guard would
            // still be alive at the `.await`.)
            let taken = limiter.take(&mut limiter.grants(), n);
            match taken {
                Ok(grant) => return grant,
                // If the future is dropped here, its guard unlocks the mutex, and the next caller
                // in the queue sleeps instead.
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
