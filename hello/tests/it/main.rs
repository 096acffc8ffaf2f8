//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod compiler;
mod program;
mod readme;
