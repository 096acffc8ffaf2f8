//! The demonstration, which runs if you pass no file: ten requests arrive at the same moment, and
//! each of them works for 0.1 s after its grant.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::timeline::Timeline;

const REQUESTS: usize = 10;
const WORK: Duration = Duration::from_millis(100);

/// Prints each request at the time of its grant, draws the timeline, and prints the largest number
/// of requests in any one window. `acquire` calls the limiter, which waits and returns the time of
/// the grant.
pub async fn run<F: Future<Output = Instant>>(
    acquire: impl Fn() -> F,
    limit: usize,
    window: Duration,
) -> anyhow::Result<Timeline> {
    let timeline = Timeline::start(&[
        ('█', "at work"),
        ('·', "waiting"),
        ('├', "the first grant of a window"),
        ('─', "the window"),
    ]);
    let start = Instant::now();
    writeln!(
        io::stdout(),
        "{REQUESTS} requests at the same moment, at most {limit} in any {window:?}:\n"
    )?;

    // All requests borrow the same limiter. `join_all` polls the requests in the order of their
    // numbers.
    let request = |number, acquire: F| {
        let row = format!("request {number}");
        timeline.show(&row, '·');
        let timeline = &timeline;
        async move {
            let granted = acquire.await;
            timeline.show_at(&row, '█', granted);
            let seconds = (granted - start).as_secs_f64();
            writeln!(io::stdout(), "{seconds:6.2} s  request {number}")?;
            sleep(WORK).await;
            timeline.show(&row, ' ');
            Ok::<_, io::Error>(granted)
        }
    };
    let requests = (1..=REQUESTS).map(|number| request(number, acquire()));
    let grants: Result<Vec<_>, _> = join_all(requests).await.into_iter().collect();
    let (took, mut grants) = (start.elapsed(), grants?);
    grants.sort();

    for begins in window_starts(&grants, window) {
        timeline.show_at("windows", '─', begins);
        timeline.mark_at("windows", '├', begins);
        timeline.show_at("windows", ' ', begins + window);
    }
    let most = most_in_any_window(&grants, window);
    let verdict = if most > limit { format!(", {} too many", most - limit) } else { String::new() };
    let in_turn = (WORK * REQUESTS as u32).as_secs_f64();
    writeln!(
        io::stdout(),
        "\n{}\nDone in {:.2} s. Without a limit, the requests would take {WORK:?} concurrently, or \
         {in_turn:.1} s one after another.\nThe most grants in any {window:?}: {most}{verdict}.",
        timeline.text(),
        took.as_secs_f64()
    )?;
    Ok(timeline)
}

/// Returns the largest number of grants in any one window, no matter where the window begins.
fn most_in_any_window(grants: &[Instant], window: Duration) -> usize {
    let within = |(first, start): (usize, &Instant)| {
        grants[first..].iter().take_while(|grant| **grant - *start < window).count()
    };
    grants.iter().enumerate().map(within).max().unwrap_or(0)
}

/// Divides the time into windows, each of which starts with the first grant after the end of the
/// previous window. Returns the start times of these windows.
fn window_starts(grants: &[Instant], window: Duration) -> Vec<Instant> {
    let mut starts: Vec<Instant> = Vec::new();
    for grant in grants {
        if starts.last().is_none_or(|start| *grant - *start >= window) {
            starts.push(*grant);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_most_grants_in_a_window_are_counted_no_matter_where_the_window_begins() {
        let start = Instant::now();
        for (times, most) in [
            (vec![], 0),
            (vec![0], 1),
            (vec![0, 999], 2),
            (vec![0, 1000], 1),
            (vec![0, 900, 1000, 1100, 1899], 4),
            (vec![5, 5, 5, 2000, 2000], 3),
        ] {
            let grants: Vec<_> =
                times.iter().map(|ms| start + Duration::from_millis(*ms)).collect();
            assert_eq!(most_in_any_window(&grants, SECOND), most, "{times:?}");
        }
    }

    #[test]
    fn a_window_starts_with_the_first_grant_after_the_previous_window() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let grants = [0, 1, 999, 1000, 2500, 3499, 3500].map(at);
        assert_eq!(window_starts(&grants, SECOND), [0, 1000, 2500, 3500].map(at));
    }
}
