//! Runs the scene with a service that sometimes answers slowly.

use std::sync::Arc;
use std::time::Duration;

use errors::{greeting, hedged};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::clock::Clock;
use super::recording::recorded;
use super::services::{greet_after, serve};
use crate::timeline::Timeline;

/// The time limit for one attempt.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The time that a slow answer takes.
const SLOW: Duration = Duration::from_millis(500);
/// The time to wait for an answer before asking again.
const DELAY: Duration = Duration::from_millis(50);

pub async fn play(clock: Clock, timeline: &Arc<Timeline>) -> anyhow::Result<()> {
    clock.scene("a hedge", "if the answer is slow, ask a second time, and drop the slower request");
    let hung_up = Arc::new(Notify::new());
    let moody = moody(Arc::clone(&hung_up)).await?;

    let request = greeting(&moody, TIMEOUT);
    let result = recorded(Arc::clone(timeline), "alone".into(), request).await;
    clock.say("alone", &result);

    let mut rows = ["hedged  first", "hedged  second"].into_iter();
    let answer = hedged(DELAY, || {
        let row = rows.next().expect("a hedge makes at most two attempts");
        recorded(Arc::clone(timeline), row.into(), greeting(&moody, TIMEOUT))
    });
    clock.say("hedged", &answer.await);

    // A little later, the service notices that its caller has hung up, and prints a message.
    let _ = timeout(SLOW, hung_up.notified()).await;
    Ok(())
}

/// Starts a service whose first two answers are slow. The service notifies `hung_up` if a caller
/// hangs up.
async fn moody(hung_up: Arc<Notify>) -> std::io::Result<String> {
    serve(move |number, stream| {
        let hung_up = Arc::clone(&hung_up);
        let time = if number < 3 { SLOW } else { Duration::ZERO };
        async move {
            let has_greeted = greet_after(time, stream).await;
            if !has_greeted {
                hung_up.notify_one();
            }
        }
    })
    .await
}
