//! All integration tests in one program, so that the crate has to be linked only once for them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod database;
mod naive;
mod program;
mod promises;
mod readme;
mod serving;
