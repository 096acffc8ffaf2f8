//! Shows why ten tasks that change one balance need `Arc<Mutex<_>>`, and which mutex to use.
//!
//! In Python, all tasks share one thread, and another task can run only at an `await`. So
//! `balance += 1` needs no lock. Tokio's tasks may run on several threads at the same instant, and
//! the compiler rejects a variable that two of them could change. `Arc` lets several tasks own one
//! value; `Mutex` lets only one of them change it at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::clock::Clock;

const TASKS: u32 = 10;
const THINK: Duration = Duration::from_millis(10);

/// Makes the deposits in tasks that each lock the balance, add one, and unlock it. A task holds the
/// lock only for a moment and never across an `.await`, so the standard library's mutex is the best
/// choice: it is smaller and faster than Tokio's. Returns the balance.
async fn short_lock() -> u32 {
    let balance = Arc::new(Mutex::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let balance = Arc::clone(&balance);
        tasks.spawn(async move {
            sleep(THINK).await;
            *lock(&balance) += 1;
        });
    }
    tasks.join_all().await;
    *lock(&balance)
}

/// Makes the deposits in tasks that each read the balance, wait, and then write the new balance.
/// The lock protects the reading and the writing, but it is free between the two. So other tasks
/// read the same old balance, and all deposits but one are lost. Python's tasks have this problem
/// too. Returns the balance.
async fn lock_twice() -> u32 {
    let balance = Arc::new(Mutex::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let balance = Arc::clone(&balance);
        tasks.spawn(async move {
            let seen = *lock(&balance);
            sleep(THINK).await;
            *lock(&balance) = seen + 1;
        });
    }
    tasks.join_all().await;
    *lock(&balance)
}

/// Makes the deposits in tasks that each keep the lock while they wait. That requires Tokio's
/// mutex, which works like `asyncio.Lock`: a task that has to wait for the lock gives its thread
/// back to the runtime. The guard of a `std` mutex must not be held across an `.await`, and `spawn`
/// rejects a future that does this, because the guard isn't `Send`. Returns the balance.
async fn lock_across_await() -> u32 {
    let balance = Arc::new(tokio::sync::Mutex::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let balance = Arc::clone(&balance);
        tasks.spawn(async move {
            let mut balance = balance.lock().await;
            let seen = *balance;
            sleep(THINK).await;
            *balance = seen + 1;
        });
    }
    tasks.join_all().await;
    *balance.lock().await
}

/// Locks a `std` mutex. A mutex is *poisoned* if a thread panicked while holding it. Our threads
/// never panic while they hold the lock, so we can use the value anyway.
fn lock(balance: &Mutex<u32>) -> std::sync::MutexGuard<'_, u32> {
    balance.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes ten deposits of 1 in each of the three ways, and prints the balance after each.
pub async fn play(clock: Clock) {
    clock.title("share: ten tasks each add 1 to the same balance");
    let balance = short_lock().await;
    clock.say(&format!("std Mutex, locked for one addition     {balance}"));
    let balance = lock_twice().await;
    clock.say(&format!(
        "std Mutex, unlocked during an .await   {balance}: nine additions were lost"
    ));
    let balance = lock_across_await().await;
    clock.say(&format!("tokio Mutex, held across the .await    {balance}, one task after another"));
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_short_lock_loses_no_updates_and_makes_no_task_wait() {
        let start = Instant::now();
        assert_eq!(short_lock().await, TASKS);
        assert_eq!(start.elapsed(), THINK);
    }

    #[tokio::test(start_paused = true)]
    async fn two_locks_with_an_await_in_between_lose_updates() {
        assert_eq!(lock_twice().await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_held_across_an_await_loses_no_updates_and_makes_the_tasks_wait() {
        let start = Instant::now();
        assert_eq!(lock_across_await().await, TASKS);
        assert_eq!(start.elapsed(), TASKS * THINK);
    }
}
