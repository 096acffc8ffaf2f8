//! Runs the scenes with four services, three of which fail: first one after another, and then
//! concurrently with each variant of `Until`.

use std::sync::Arc;
use std::time::Duration;

use errors::{Until, ask_all, greeting};
use tokio::time::Instant;

use super::clock::{Clock, print_duration};
use super::recording::recorded;
use super::services;
use crate::timeline::Timeline;

/// The time limit for one attempt.
const TIMEOUT: Duration = Duration::from_millis(500);

const NAMES: [&str; 4] = ["closed", "garbage", "slow", "silent"];

pub async fn play(clock: Clock, timeline: &Arc<Timeline>) -> anyhow::Result<()> {
    let (_port, closed) = services::closed()?;
    let addresses = [
        closed,
        services::garbage().await?,
        services::greeting_after(TIMEOUT / 2).await?,
        services::silent().await?,
    ];

    clock.scene("one after another", "for comparison with the next three scenes");
    let start = Instant::now();
    for (name, address) in NAMES.iter().zip(&addresses) {
        let row = format!("in turn  {name}");
        let request = greeting(address, TIMEOUT);
        let result = recorded(Arc::clone(timeline), row, request).await;
        clock.say(name, &result);
    }
    print_duration(start.elapsed());

    for (until, title, what_it_shows) in [
        (Until::AllEnded, "collect", "all four concurrently, and no failure hides another"),
        (Until::FirstFailure, "fail fast", "the first failure cancels the other requests"),
        (Until::FirstAnswer, "any", "the first answer cancels the other requests"),
    ] {
        clock.scene(title, what_it_shows);
        let start = Instant::now();
        let checks = NAMES.iter().zip(addresses.clone()).map(|(name, address)| {
            let row = format!("{title}  {name}");
            // `greeting` borrows the address, but a task must own everything it uses. So the async
            // block takes ownership of the address.
            let request = async move { greeting(&address, TIMEOUT).await };
            recorded(Arc::clone(timeline), row, request)
        });
        let results = ask_all(checks, until).await;
        for (name, result) in NAMES.iter().zip(&results) {
            clock.say(name, result);
        }
        print_duration(start.elapsed());
    }
    Ok(())
}
