//! The contract of `rate-limiter`: never more than N calls in any window, and a caller that gives
//! up does not delay the others. Only the version on Tokio also serves callers strictly in order,
//! because the locks of the other two are fair only in the long run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::serve::{Scene, Stage};

#[cfg(all(feature = "async-std", not(test)))]
pub mod on_async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod on_smol;
#[cfg(all(feature = "tokio", not(test)))]
pub mod on_tokio;

#[derive(Serialize, Deserialize)]
pub struct Input {
    pub requests: usize,
    pub limit: usize,
    pub window_ms: u64,
    /// The number of callers that give up while they wait.
    pub dropped: u32,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    pub granted: usize,
    /// The number of grants that came too soon. Grant k + limit came too soon if it came less than
    /// a window after grant k.
    pub too_soon: usize,
    /// Whether the caller after the dropped ones waited only for its own turn, and not for the
    /// turns of the dropped callers.
    pub dropped_cost_nothing: bool,
}

pub fn input(_: &Stage, _: &Scene) -> Input {
    Input { requests: 10, limit: 3, window_ms: 60, dropped: 40 }
}

pub fn expected(input: &Input) -> Answer {
    Answer { granted: input.requests, too_soon: 0, dropped_cost_nothing: true }
}

/// Counts the grants that came too soon. `grants` are times since an arbitrary start.
pub fn too_soon(mut grants: Vec<Duration>, limit: usize, window: Duration) -> usize {
    grants.sort();
    grants.iter().zip(grants.iter().skip(limit)).filter(|(k, later)| **later - **k < window).count()
}

/// Returns whether the dropped callers delayed nobody. With a limit of one, the correct wait is one
/// window. If the dropped callers had kept their places, the wait would be longer by `dropped`
/// windows. The threshold is half of `dropped` windows. It is so far from both waits that a delay
/// on a busy machine does not change the answer.
pub fn cost_nothing(waited: Duration, dropped: u32, window: Duration) -> bool {
    waited < window * dropped / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_that_come_too_soon_are_counted() {
        let ms = |times: &[u64]| times.iter().map(|ms| Duration::from_millis(*ms)).collect();
        let window = Duration::from_millis(10);
        assert_eq!(too_soon(ms(&[0, 0, 10, 10, 20]), 2, window), 0);
        assert_eq!(too_soon(ms(&[0, 0, 9, 10]), 2, window), 1);
        assert_eq!(too_soon(ms(&[10, 0, 0, 0]), 2, window), 1);
    }
}
