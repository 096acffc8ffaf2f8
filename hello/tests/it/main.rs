//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod compiler;
mod exercise;
mod program;
mod readme;
#[path = "../exercise/runner.rs"]
mod runner;
