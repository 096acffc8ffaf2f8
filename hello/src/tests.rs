//! Tests the first three scenes, sleeps and timeouts, and the timeline.
//!
//! Most of the tests run on a paused clock: whenever all tasks are waiting for timers, Tokio
//! advances the clock to the next timer. So even a long wait takes no real time, and a test can
//! assert the exact duration.

use tokio::time::{Instant, timeout};

use super::timeline::Timeline;
use super::*;

#[test]
fn the_program_knows_its_version() {
    use clap::CommandFactory;
    assert_eq!(Arguments::command().get_version(), Some(env!("CARGO_PKG_VERSION")));
}

#[test]
fn by_default_all_scenes_run_in_order() {
    use Scene::*;
    assert_eq!(chosen(vec![]), [Hello, Value, Lazy, Poll, Together, Share, Blocking]);
    assert_eq!(chosen(vec![Blocking, Lazy]), [Blocking, Lazy]);
}

#[tokio::test(start_paused = true)]
async fn the_scene_hello_takes_one_second_and_the_value_takes_two() {
    let start = Instant::now();
    hello(Clock::start()).await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(user().await, BTreeMap::from([("name", "Ferris")]));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_future_does_nothing_until_it_is_awaited() {
    let mut ran = false;
    let future = async { ran = true };
    sleep(Duration::from_secs(60)).await;
    drop(future);
    assert!(!ran, "a future that was dropped before it was awaited has run");

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
async fn a_sleep_counts_from_the_call() {
    let start = Instant::now();
    let nap = sleep(Duration::from_secs(1));
    sleep(Duration::from_millis(600)).await;
    nap.await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

// In the next two tests, a loop never has to wait. The timeout ends the first loop, because Tokio's
// lock makes the task yield after 128 operations in a row. Nothing makes the second loop yield, so
// that loop ends itself after 50 ms.

#[tokio::test]
async fn a_timeout_ends_a_loop_that_only_uses_tokios_lock() {
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
        "the loop ended by itself"
    };
    let result = timeout(Duration::from_millis(10), always_ready).await;
    assert_eq!(result.ok(), Some("the loop ended by itself"));
}

/// Records a timeline on the paused clock. `a` works for two seconds. `b` waits for one second and
/// then works for two. `<c>` starts after one second, works for a millisecond, and fails at two
/// seconds.
async fn recording() -> Timeline {
    let timeline = Timeline::start(&[('█', "at work"), ('·', "waiting"), ('×', "failed")]);
    timeline.show("a", '█');
    timeline.show("b", '·');
    sleep(Duration::from_secs(1)).await;
    timeline.show("b", '█');
    timeline.show("<c>", '█');
    sleep(Duration::from_millis(1)).await;
    timeline.show("<c>", ' ');
    sleep(Duration::from_millis(999)).await;
    timeline.show("a", ' ');
    timeline.mark("<c>", '×');
    sleep(Duration::from_secs(1)).await;
    timeline.show("b", ' ');
    timeline
}

#[tokio::test(start_paused = true)]
async fn a_timeline_has_a_row_for_each_task_and_shows_even_short_periods() {
    let expected = "     \
     0 s       0.5 s     1 s       1.5 s     2 s       2.5 s     3 s
a    ████████████████████████████████████████
b    ····················████████████████████████████████████████
<c>                      █                   ×
     █ at work   · waiting   × failed
";
    assert_eq!(recording().await.text(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_timeline_as_svg_has_the_same_rows_in_colours_for_light_and_dark_pages() {
    let svg = recording().await.svg();
    let rects: Vec<_> = svg.lines().filter(|line| line.starts_with("<rect")).collect();
    // The bars start at x = 44: the longest name takes three characters of 8 pixels, and the margin
    // takes 20 pixels. The three seconds are 600 pixels wide.
    assert_eq!(
        rects,
        [
            "<rect class=\"work\" x=\"44.0\" y=\"29\" width=\"400.0\" height=\"14\"/>",
            "<rect class=\"wait\" x=\"44.0\" y=\"53\" width=\"200.0\" height=\"14\"/>",
            "<rect class=\"work\" x=\"244.0\" y=\"53\" width=\"400.0\" height=\"14\"/>",
            "<rect class=\"work\" x=\"244.0\" y=\"77\" width=\"1.0\" height=\"14\"/>",
            // These are the bars of the legend. Its third character is a mark, so it has no bar.
            "<rect class=\"work\" x=\"44.0\" y=\"103\" width=\"10.0\" height=\"14\"/>",
            "<rect class=\"wait\" x=\"140.0\" y=\"103\" width=\"10.0\" height=\"14\"/>",
        ]
    );
    assert!(svg.contains("<text class=\"mark bad\" x=\"444.0\" y=\"88\">×</text>"), "{svg}");
    assert!(svg.contains("&lt;c&gt;") && !svg.contains("<c>"), "{svg}");
    assert!(svg.contains("prefers-color-scheme:dark"));
}
