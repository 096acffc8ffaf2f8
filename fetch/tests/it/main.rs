//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../src/tool/input.rs"]
#[allow(dead_code, reason = "only its unit tests are used")]
mod input;
mod naive;
mod program;
mod promises;
mod readme;
mod server;
