//! Your first async functions. `cargo exercise hello` checks them, step by step.
//!
//! You need: `tokio::time::sleep`, `tokio::join!`, `tokio::spawn`, and `tokio::task::spawn_blocking`.
#![allow(
    dead_code,
    unused_mut,
    unused_variables,
    clippy::todo,
    reason = "the learner fills this in"
)]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Counts down from `start` to 1. Waits for `period` before each number, and then passes it to `tell`.
pub async fn countdown(start: u32, period: Duration, tell: impl Fn(u32)) {
    todo!("wait, tell, and go on")
}

/// Runs three countdowns at the same time, and returns when all of them have ended. All of them use
/// the same `tell`.
pub async fn together(starts: [u32; 3], period: Duration, tell: impl Fn(u32)) {
    todo!("run three countdowns together")
}

/// Runs `work` for each name, in a task of its own. Returns the results in the order of `names`.
pub async fn in_tasks<F>(names: Vec<String>, work: fn(String) -> F) -> Vec<String>
where
    F: Future<Output = String> + Send + 'static,
{
    todo!("spawn the tasks, and wait for them")
}

/// Runs `work`, which blocks its thread, and returns how many periods have passed until it has ended.
pub async fn ticks_during(work: fn(), period: Duration) -> u32 {
    todo!("run the call elsewhere, and count")
}

/// A future that is ready when it is polled for the third time. Its output is the number of polls.
#[derive(Default)]
pub struct ThirdPoll {
    polls: u32,
}

impl Future for ThirdPoll {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        todo!("count, wake, and answer")
    }
}
