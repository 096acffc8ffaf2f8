//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../exercise/checks.rs"]
mod checks;
#[path = "../../src/demo.rs"]
#[allow(dead_code, reason = "only its unit tests are used")]
mod demo;
mod naive;
#[path = "../../src/naive.rs"]
mod naive_limiter;
mod program;
mod promises;
mod readme;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../src/tool/share.rs"]
mod share;
mod solution;
#[path = "../../src/timeline.rs"]
mod timeline;
