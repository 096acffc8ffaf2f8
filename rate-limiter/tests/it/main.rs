//! All integration tests in one program, so that the crate is linked only once for them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../exercise/checks.rs"]
mod checks;
mod naive;
#[path = "../../src/naive.rs"]
mod naive_limiter;
mod program;
mod promises;
mod solution;
