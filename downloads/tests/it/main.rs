//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../exercise/checks.rs"]
mod checks;
#[path = "../../src/client.rs"]
#[allow(dead_code, reason = "only its unit tests are used")]
mod client;
#[path = "../exercise/server.rs"]
mod exercise_server;
mod naive;
mod naive_download;
#[path = "../../src/tool/plan.rs"]
#[allow(dead_code, reason = "only its unit tests are used")]
mod plan;
mod program;
mod promises;
mod readme;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
mod server;
mod solution;
