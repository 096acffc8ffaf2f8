//! Takes three naps in three ways: one after another, together in one task with `join!`, and each
//! in its own task with `spawn`.

use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::join;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep};

use crate::clock::{Clock, print_line};
use crate::timeline::Timeline;

const TENTH: Duration = Duration::from_millis(100);

/// A nap that has ended: when it started and ended, and on which thread it ended.
#[derive(Debug)]
struct Nap {
    name: &'static str,
    start: Instant,
    end: Instant,
    /// The thread on which the nap ended.
    thread: String,
}

/// Sleeps for this number of tenths of a second, and records the times and the thread.
async fn nap(name: &'static str, tenths: u32) -> Nap {
    let start = Instant::now();
    sleep(tenths * TENTH).await;
    Nap { name, start, end: Instant::now(), thread: thread_name() }
}

/// Takes three naps, each of which begins when the one before it has ended.
async fn one_after_another() -> [Nap; 3] {
    [nap("a", 4).await, nap("b", 5).await, nap("c", 3).await]
}

/// Takes three naps inside this one task. `join!` polls the naps one after another: while one of
/// them waits, the others can run, but no two of them ever run at the same instant. The naps are
/// part of this function's future, so they may borrow this function's variables.
async fn joined() -> [Nap; 3] {
    let (a, b, c) = join!(nap("a", 4), nap("b", 5), nap("c", 3));
    [a, b, c]
}

/// Takes three naps, each in its own task. A task starts to run whether or not you await it, and it
/// may run on another thread at the same instant as your own task. So a task must own the values
/// that it uses (`'static`), and these values must be safe to move to another thread (`Send`).
///
/// Awaiting the handle returns the task's value, or an error if the task panicked. Dropping the
/// handle leaves the task running.
async fn spawned() -> Result<[Nap; 3], JoinError> {
    let a = tokio::spawn(nap("a", 4));
    let b = tokio::spawn(nap("b", 5));
    let c = tokio::spawn(nap("c", 3));
    Ok([a.await?, b.await?, c.await?])
}

/// Takes the naps in all three ways, and then draws a timeline of all of them.
pub async fn play(clock: Clock, svg: Option<&Path>) {
    clock.title("together: three naps of 0.4, 0.5 and 0.3 s");
    let timeline = Timeline::start(&[('█', "napping")]);

    let naps = one_after_another().await;
    show(clock, &timeline, "in turn", &naps);

    let naps = joined().await;
    show(clock, &timeline, "join!", &naps);

    match spawned().await {
        Ok(naps) => show(clock, &timeline, "spawn", &naps),
        Err(error) => clock.say(&format!("a nap failed: {error}")),
    }
    print_line(&format!("\n{}", timeline.text()));
    if let Some(path) = svg
        && let Err(error) = timeline.save_svg(path)
    {
        eprintln!("hello: {}: {error}", path.display());
        std::process::exit(1);
    }
}

/// Adds the naps to the timeline. Prints how long they took, and on which thread each of them woke
/// up.
fn show(clock: Clock, timeline: &Timeline, how: &str, naps: &[Nap; 3]) {
    for nap in naps {
        let row = format!("{how}  {}", nap.name);
        timeline.show_at(&row, '█', nap.start);
        timeline.show_at(&row, ' ', nap.end);
    }
    let took =
        naps.iter().map(|nap| nap.end).max().map_or(Duration::ZERO, |end| end - naps[0].start);
    let woke = naps.iter().map(|nap| format!("{} on {}", nap.name, nap.thread)).collect::<Vec<_>>();
    clock.say(&format!("{how:<8} {:.2} s: {}", took.as_secs_f64(), woke.join(", ")));
}

/// Returns `main`, or the number of one of the runtime's own threads.
fn thread_name() -> String {
    let thread = thread::current();
    match thread.name() {
        Some("main") => "main".into(),
        _ => format!("{:?}", thread.id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(naps: &[Nap; 3]) -> [&'static str; 3] {
        naps.each_ref().map(|nap| nap.name)
    }

    #[tokio::test(start_paused = true)]
    async fn one_after_another_takes_the_sum_of_the_naps() {
        let start = Instant::now();
        assert_eq!(names(&one_after_another().await), ["a", "b", "c"]);
        assert_eq!(start.elapsed(), (4 + 5 + 3) * TENTH);
    }

    #[tokio::test(start_paused = true)]
    async fn join_takes_as_long_as_the_longest_nap() {
        let start = Instant::now();
        assert_eq!(names(&joined().await), ["a", "b", "c"]);
        assert_eq!(start.elapsed(), 5 * TENTH);
    }

    #[tokio::test(start_paused = true)]
    async fn spawned_tasks_take_as_long_as_the_longest_nap() {
        let start = Instant::now();
        assert_eq!(names(&spawned().await.unwrap()), ["a", "b", "c"]);
        assert_eq!(start.elapsed(), 5 * TENTH);
    }

    /// Uses a runtime with two worker threads. The thread that runs this test polls only the root
    /// future.
    #[test]
    fn join_stays_on_its_thread_and_spawn_uses_the_workers() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        let (joined, spawned) =
            runtime.unwrap().block_on(async { (joined().await, spawned().await.unwrap()) });
        let here = thread_name();
        assert!(joined.iter().all(|nap| nap.thread == here), "{joined:?}");
        assert!(spawned.iter().all(|nap| nap.thread != here), "{spawned:?}");
    }
}
