//! All integration tests are in one program, so that the crate is linked only once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../exercise/checks.rs"]
mod checks;
mod commands;
mod naive;
mod naive_pool;
#[path = "../../src/printable.rs"]
mod printable;
mod program;
mod promises;
mod readme;
#[path = "../../../hello/tests/exercise/runner.rs"]
mod runner;
#[path = "../../src/size.rs"]
mod size;
mod solution;
#[path = "../../src/tool/template.rs"]
#[allow(dead_code, reason = "only its unit tests are used")]
mod template;

use std::time::Duration;

/// Runs the future on Tokio's paused clock. While any task can run, this clock does not advance.
/// When all tasks are waiting, the clock jumps to the next timer. So a test that would hang fails
/// immediately: if no other timer is left, the clock jumps to the timeout.
fn on_the_paused_clock<T>(test: impl Future<Output = T>) -> T {
    const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let test = async { tokio::time::timeout(A_DAY, test).await };
    runtime.block_on(test).expect("the test was still waiting after a day")
}
