//! The integration tests.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod compiler;
mod program;
mod readme;
