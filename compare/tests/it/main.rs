//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod all_measured;
mod bench;
mod columns;
mod course;
mod facts;
mod program;
mod report;
mod snapshots;
