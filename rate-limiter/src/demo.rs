//! The scene without a file: ten requests at once, each of which works for 0.1 s.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

const REQUESTS: usize = 10;
const WORK: Duration = Duration::from_millis(100);

/// Prints each request at the time it is let through, and the most that came in any window.
/// `acquire` is the limiter's: it waits, and returns the time of its grant.
pub async fn run<F: Future<Output = Instant>>(
    acquire: impl Fn() -> F,
    limit: usize,
    window: Duration,
) -> anyhow::Result<()> {
    let start = Instant::now();
    writeln!(io::stdout(), "{REQUESTS} requests at once, at most {limit} in any {window:?}:\n")?;

    // One limiter, borrowed by all; `join_all` polls the requests in turn, in this order.
    let request = |number, acquire: F| async move {
        let granted = acquire.await;
        let seconds = (granted - start).as_secs_f64();
        writeln!(io::stdout(), "{seconds:6.2} s  request {number}")?;
        sleep(WORK).await;
        Ok::<_, io::Error>(granted)
    };
    let grants: Result<Vec<_>, _> =
        join_all((1..=REQUESTS).map(|number| request(number, acquire())))
            .await
            .into_iter()
            .collect();

    let most = most_in_any_window(grants?, window);
    let verdict = if most > limit { format!(", {} too many", most - limit) } else { String::new() };
    let apart = (WORK * REQUESTS as u32).as_secs_f64();
    writeln!(
        io::stdout(),
        "\nDone in {:.2} s. Without a limit: {WORK:?} at once, {apart:.1} s one after another.\n\
         The most in any {window:?}: {most}{verdict}.",
        start.elapsed().as_secs_f64()
    )?;
    Ok(())
}

/// The most grants that lie less than a window apart, wherever the window begins.
fn most_in_any_window(mut grants: Vec<Instant>, window: Duration) -> usize {
    grants.sort();
    let within = |(first, start): (usize, &Instant)| {
        grants[first..].iter().take_while(|grant| **grant - *start < window).count()
    };
    grants.iter().enumerate().map(within).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_in_any_window_is_counted_wherever_the_window_begins() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        for (times, most) in [
            (vec![], 0),
            (vec![0], 1),
            (vec![0, 999], 2),
            (vec![0, 1000], 1),
            (vec![0, 900, 1000, 1100, 1899], 4),
            (vec![2000, 5, 5, 2000, 5], 3),
        ] {
            let grants = times.iter().map(|ms| start + Duration::from_millis(*ms)).collect();
            assert_eq!(most_in_any_window(grants, second), most, "{times:?}");
        }
    }
}
