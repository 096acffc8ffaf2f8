//! Parses the durations that the user passes as option values.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::time::{Duration, Instant};

/// Parses a duration that is greater than zero, such as `500ms` or `2m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("the time must be greater than zero".into()),
        // The clock cannot represent the end of such a time.
        Ok(duration) if Instant::now().checked_add(duration).is_none() => {
            Err("the time must be shorter: the clock cannot represent its end".into())
        }
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write a number and a unit, such as 500ms or 2s")),
    }
}
