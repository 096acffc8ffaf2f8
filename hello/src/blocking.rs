//! Shows what a blocking call does to everything else on its thread.

use std::thread;
use std::time::Duration;

use tokio::time::sleep;

use crate::clock::Clock;

const TICK: Duration = Duration::from_millis(100);
const WORK: Duration = Duration::from_millis(450);

/// Awaits `work` next to a ticker, and returns the number of ticks before the work was done.
async fn ticks_during(work: impl Future<Output = ()>) -> u32 {
    let mut ticks = 0;
    let ticker = async {
        loop {
            sleep(TICK).await;
            ticks += 1;
        }
    };
    // `select!` polls both futures in this one task. When one of them ends, `select!` drops the
    // other.
    tokio::select! {
        biased; // poll the work first, so that the work wins if both are ready
        () = work => {}
        () = ticker => {}
    }
    ticks
}

/// Waits the async way: the thread can run other futures in the meantime.
async fn waits_well() {
    sleep(WORK).await;
}

/// Waits in a way that async code must never use: the thread sleeps, so no other future on this
/// thread can run.
async fn waits_badly() {
    thread::sleep(WORK);
}

/// Runs a blocking call on a thread that is reserved for such calls, as `asyncio.to_thread` does.
async fn waits_elsewhere() {
    let blocking_call = tokio::task::spawn_blocking(|| thread::sleep(WORK));
    // This fails only if the call panicked or the runtime is shutting down.
    let _ = blocking_call.await;
}

/// Does the same work in three ways, and counts the ticks during each of them.
pub async fn play(clock: Clock) {
    clock.title("blocking: 0.45 s of work next to a tick every 0.1 s");
    let ticks = ticks_during(waits_well()).await;
    clock.say(&format!("tokio::time::sleep   {ticks} ticks"));
    let ticks = ticks_during(waits_badly()).await;
    clock.say(&format!("std::thread::sleep   {ticks} ticks: nothing else could run"));
    let ticks = ticks_during(waits_elsewhere()).await;
    clock.say(&format!("spawn_blocking       {ticks} ticks"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticker_ticks_during_a_sleep() {
        assert_eq!(ticks_during(waits_well()).await, 4);
    }

    // These two tests run on the real clock, because real threads sleep here. The first test does
    // not depend on how fast the machine is: the blocking call ends before the ticker is polled for
    // the first time.

    #[tokio::test]
    async fn a_blocking_call_stops_the_ticker() {
        assert_eq!(ticks_during(waits_badly()).await, 0);
    }

    #[tokio::test]
    async fn spawn_blocking_lets_the_ticker_tick() {
        assert!(ticks_during(waits_elsewhere()).await > 0);
    }
}
