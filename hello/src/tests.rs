//! The paused clock: Tokio moves time forward itself whenever every task only waits for a timer.
//! Seconds pass in no time, and durations are exact, so that a test may assert them.

use tokio::time::timeout;

use super::*;

#[test]
fn without_arguments_all_scenes_are_played_in_order() {
    use Scene::*;
    assert_eq!(chosen(vec![]), [Hello, Value, Lazy, Together, Blocking]);
    assert_eq!(chosen(vec![Blocking, Lazy]), [Blocking, Lazy]);
}

#[tokio::test(start_paused = true)]
async fn hello_takes_one_second_and_the_value_two() {
    let clock = Clock::start();
    hello(&clock).await;
    assert_eq!(clock.0.elapsed(), Duration::from_secs(1));
    assert_eq!(user().await, BTreeMap::from([("name", "Ferris")]));
    assert_eq!(clock.0.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn one_after_another_takes_the_sum() {
    let start = Instant::now();
    assert_eq!(one_after_another().await, ["a", "b", "c"]);
    assert_eq!(start.elapsed(), (4 + 5 + 3) * NAP);
}

#[tokio::test(start_paused = true)]
async fn join_takes_as_long_as_the_longest() {
    let start = Instant::now();
    assert_eq!(joined().await, ["a", "b", "c"]);
    assert_eq!(start.elapsed(), 5 * NAP);
}

#[tokio::test(start_paused = true)]
async fn spawned_tasks_take_as_long_as_the_longest() {
    let start = Instant::now();
    assert_eq!(spawned().await.unwrap(), ["a", "b", "c"]);
    assert_eq!(start.elapsed(), 5 * NAP);
}

#[tokio::test(start_paused = true)]
async fn a_future_does_nothing_until_awaited() {
    let mut ran = false;
    let future = async { ran = true };
    sleep(Duration::from_secs(60)).await;
    drop(future);
    assert!(!ran, "dropped before it was awaited, so it never ran");

    let future = async { ran = true };
    future.await;
    assert!(ran);
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_runs_without_being_awaited() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let handle = tokio::spawn(async move { sender.send("ran") });
    drop(handle);
    assert_eq!(receiver.await, Ok("ran"));
}

#[tokio::test(start_paused = true)]
async fn a_ticker_ticks_beside_a_sleep() {
    assert_eq!(ticks_beside(waits_well()).await, 4);
}

// On the real clock, since real threads sleep here. What is asserted is order: the blocking call
// is over before the ticker has had a turn, however slow the machine.
#[tokio::test]
async fn a_blocking_call_stops_the_ticker() {
    assert_eq!(ticks_beside(waits_badly()).await, 0);
}

#[tokio::test]
async fn spawn_blocking_lets_the_ticker_tick() {
    assert!(ticks_beside(waits_elsewhere()).await > 0);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_counts_from_the_call() {
    let start = Instant::now();
    let nap = sleep(Duration::from_secs(1));
    sleep(Duration::from_millis(600)).await;
    nap.await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

// Both loops would go on forever. The first is ended by its timeout, because Tokio's lock makes its
// task yield after 128 operations in a row. Nothing makes the second one yield, so it ends itself.

#[tokio::test]
async fn a_timeout_ends_a_loop_that_uses_what_is_tokios() {
    let lock = tokio::sync::Mutex::new(());
    let always_ready = async {
        loop {
            drop(lock.lock().await);
        }
    };
    let result: Result<(), _> = timeout(Duration::from_millis(10), always_ready).await;
    assert!(result.is_err());
}

#[tokio::test]
async fn a_timeout_does_not_end_a_loop_that_never_yields() {
    let start = Instant::now();
    let always_ready = async {
        while start.elapsed() < Duration::from_millis(50) {
            std::future::ready(()).await;
        }
        "it has ended by itself"
    };
    let result = timeout(Duration::from_millis(10), always_ready).await;
    assert_eq!(result.ok(), Some("it has ended by itself"));
}
