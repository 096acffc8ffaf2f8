//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod database;
mod naive;
mod program;
mod promises;
mod readme;
mod real_data;
mod serving;
mod statements;
