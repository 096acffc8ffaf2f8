//! Reads the pieces of a body: not from a server that is too slow, and not faster than the user
//! allows.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{DownloadError, MinSpeed};

/// Reads a body piece by piece.
pub(crate) struct Reader<'a> {
    response: Response,
    patience: Patience,
    limit: Option<&'a RateLimit>,
    /// How many bytes the server has announced, and how many of these are still to come.
    announced: Option<(u64, u64)>,
}

impl<'a> Reader<'a> {
    /// `announced` is the length of the whole file, and how many bytes of it this body has.
    pub(crate) fn new(
        response: Response,
        min: MinSpeed,
        limit: Option<&'a RateLimit>,
        announced: Option<(u64, u64)>,
    ) -> Self {
        Self { response, patience: Patience::new(min), limit, announced }
    }

    /// Waits for the next piece. Returns `None` at the end of the body. If the future is dropped,
    /// the next call continues, but a piece that already arrived may be lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        if let Some(limit) = self.limit {
            sleep_until(limit.free()).await;
        }
        let piece = loop {
            let start = Instant::now();
            let piece = timeout(self.patience.left(), self.response.chunk()).await;
            let (bytes, piece) = match piece {
                Ok(piece) => {
                    let piece = piece?;
                    (piece.as_ref().map_or(0, Bytes::len), Some(piece))
                }
                Err(_) => (0, None),
            };
            self.patience.add(bytes as u64, start.elapsed())?;
            if let Some(piece) = piece {
                break piece;
            }
        };
        let bytes = piece.as_ref().map_or(0, Bytes::len) as u64;
        if let Some((expected, left)) = &mut self.announced {
            // hyper checks this only if the server has sent `Content-Length` alone.
            *left = left.checked_sub(bytes).ok_or(DownloadError::Long { expected: *expected })?;
        }
        if let Some(limit) = self.limit {
            limit.reserve(bytes, Instant::now());
        }
        Ok(piece)
    }
}

/// Notices that a server is too slow. Only the time that we spend waiting for the server counts, so
/// a slow disk or a rate limit of our own is not the server's fault.
struct Patience {
    min: MinSpeed,
    waited: Duration,
    bytes: u64,
    /// How long nothing has arrived.
    silence: Duration,
}

impl Patience {
    fn new(min: MinSpeed) -> Self {
        Self { min, waited: Duration::ZERO, bytes: 0, silence: Duration::ZERO }
    }

    /// Returns how much longer to wait before the speed is checked.
    fn left(&self) -> Duration {
        self.min.over.saturating_sub(self.waited.max(self.silence))
    }

    /// Records that we have waited this long for this many bytes.
    fn add(&mut self, bytes: u64, waited: Duration) -> Result<(), DownloadError> {
        self.bytes += bytes;
        self.waited += waited;
        self.silence = if bytes > 0 { Duration::ZERO } else { self.silence + waited };
        // Even if any speed is fast enough, a server that sends nothing has stalled.
        if self.silence >= self.min.over {
            return Err(DownloadError::TooSlow { bytes: 0, over: self.silence });
        }
        if self.waited < self.min.over {
            return Ok(());
        }
        let is_slow =
            (self.bytes as f64) < self.min.bytes_per_second as f64 * self.waited.as_secs_f64();
        if is_slow {
            return Err(DownloadError::TooSlow { bytes: self.bytes, over: self.waited });
        }
        *self = Self { silence: self.silence, ..Self::new(self.min) };
        Ok(())
    }
}

/// Limits how many bytes per second all downloads receive together.
pub(crate) struct RateLimit {
    bytes_per_second: NonZeroU64,
    /// The time at which all bytes received so far may have been received.
    free: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(crate) fn new(bytes_per_second: NonZeroU64) -> Self {
        Self { bytes_per_second, free: Mutex::new(None) }
    }

    /// Returns the time from which more bytes may be received.
    fn free(&self) -> Instant {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.unwrap_or_else(Instant::now)
    }

    /// Records that these bytes were received. Returns the time from which the next ones may be.
    fn reserve(&self, bytes: u64, now: Instant) -> Instant {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second.get() as f64);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // Time in which nothing was received is not made up for later.
        let next = free.map_or(now, |free| free.max(now)) + takes;
        *free = Some(next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_server_is_too_slow_if_it_sends_too_little_while_we_wait() {
        let min = MinSpeed { bytes_per_second: 100, over: 10 * SECOND };
        for (pieces, expected) in [
            (&[(500, 5), (500, 5)][..], Ok(())),
            (&[(500, 5), (499, 5)], Err((999, 10))),
            (&[(999, 9), (0, 1)], Err((999, 10))),
            (&[(0, 9), (999, 0), (1, 1)], Ok(())),
            (&[(5000, 1), (0, 4), (0, 6)], Err((0, 10))),
            (&[(0, 20)], Err((0, 20))),
            // Each window counts for itself.
            (&[(5000, 10), (500, 10)], Err((500, 10))),
            (&[(1000, 10), (1000, 10), (0, 9)], Ok(())),
            // If the pieces are always there when we ask, the server is not slow.
            (&[(1, 0), (1, 0)], Ok(())),
        ] {
            let mut patience = Patience::new(min);
            let result = pieces
                .iter()
                .try_for_each(|&(bytes, seconds)| patience.add(bytes, seconds * SECOND));
            let seen = result.map_err(|error| match error {
                DownloadError::TooSlow { bytes, over } => (bytes, over.as_secs()),
                other => panic!("{other:?}"),
            });
            assert_eq!(seen, expected, "{pieces:?}");
        }
        let mut any = Patience::new(MinSpeed { bytes_per_second: 0, ..min });
        any.add(1, 9 * SECOND).unwrap();
        any.add(0, 9 * SECOND).unwrap();
        any.add(0, SECOND).unwrap_err();
        let mut patience = Patience::new(min);
        patience.add(0, 4 * SECOND).unwrap();
        assert_eq!(patience.left(), 6 * SECOND);
    }

    #[test]
    fn a_rate_limit_spaces_all_pieces_by_their_length() {
        let limit = RateLimit::new(NonZeroU64::new(100).unwrap());
        let start = Instant::now();
        assert_eq!(limit.reserve(50, start), start + SECOND / 2);
        assert_eq!(limit.reserve(100, start), start + 3 * SECOND / 2);
        // After a pause, there is no burst.
        assert_eq!(limit.reserve(100, start + 60 * SECOND), start + 61 * SECOND);
    }
}
