//! Correct: a `JoinSet` returns results as the tasks end, so each task also returns its index.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep};

/// Counts down from `start` to 1. Waits for `period` before each number, and then passes it to `tell`.
pub async fn countdown(start: u32, period: Duration, tell: impl Fn(u32)) {
    for number in (1..=start).rev() {
        sleep(period).await;
        tell(number);
    }
}

/// Runs three countdowns at the same time, and returns when all of them have ended.
pub async fn together(starts: [u32; 3], period: Duration, tell: impl Fn(u32)) {
    // The three futures stay in this function, so they may borrow `tell`. Tasks could not.
    let [a, b, c] = starts.map(|start| countdown(start, period, &tell));
    tokio::join!(a, b, c);
}

/// Runs `work` for each name, in a separate task. Returns the results in the order of `names`.
pub async fn in_tasks<F>(names: Vec<String>, work: fn(String) -> F) -> Vec<String>
where
    F: Future<Output = String> + Send + 'static,
{
    // Spawn all tasks before waiting for the first one.
    let mut results = vec![String::new(); names.len()];
    let mut tasks = tokio::task::JoinSet::new();
    for (place, name) in names.into_iter().enumerate() {
        let work = work(name);
        tasks.spawn(async move { (place, work.await) });
    }
    while let Some(result) = tasks.join_next().await {
        let (place, text) = result.expect("the task has not panicked");
        results[place] = text;
    }
    results
}

/// Runs `work`, which blocks its thread, and returns how many periods have passed until it has ended.
pub async fn ticks_during(work: fn(), period: Duration) -> u32 {
    let mut blocking = spawn_blocking(work);
    let mut ticker = interval(period);
    ticker.tick().await; // the first tick comes immediately
    let mut ticks = 0;
    loop {
        tokio::select! {
            _ = ticker.tick() => ticks += 1,
            _ = &mut blocking => return ticks,
        }
    }
}

/// A future that is ready when it is polled for the third time. Its output is the number of polls.
#[derive(Default)]
pub struct ThirdPoll {
    polls: u32,
}

impl Future for ThirdPoll {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        self.polls += 1;
        if self.polls == 3 {
            return Poll::Ready(3);
        }
        // Usually, the thing we wait for calls the waker later. Here, we wait for nothing.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
