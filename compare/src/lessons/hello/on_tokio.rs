//! `hello` on Tokio.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use tokio::time::sleep;
use tokio::{join, task};

use super::{Answer, Input, Log};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(Duration::from_millis(input.nap_ms)).await
}

async fn lesson(nap: Duration) -> Answer {
    // step: say hello, wait without blocking, say world
    let log = Log::default();
    log.say("Hello");
    sleep(nap).await;
    log.say("World");
    let greeting = log.take();

    // step: await a value
    let value = user(nap).await;

    // step: a future does nothing until it is awaited
    let future = async { log.say("ran") };
    log.say("made");
    sleep(nap).await;
    log.say("awaited");
    future.await;
    let lazy = log.take();

    // step: one after another
    work("a", 3 * nap, log.clone()).await;
    work("b", nap, log.clone()).await;
    let one_after_another = log.take();

    // step: both inside this task
    join!(work("a", 3 * nap, log.clone()), work("b", nap, log.clone()));
    let joined = log.take();

    // step: each in its own task
    let a = task::spawn(work("a", 3 * nap, log.clone()));
    let b = task::spawn(work("b", nap, log.clone()));
    // Awaiting a handle returns a `Result`, which is an error if the task panics.
    a.await.expect("a does not panic");
    b.await.expect("b does not panic");
    let spawned = log.take();

    // step: a blocking call runs on a thread that may block
    let its_log = log.clone();
    let blocking = task::spawn_blocking(move || {
        thread::sleep(3 * nap);
        its_log.say("blocking call");
    });
    work("b", nap, log.clone()).await;
    blocking.await.expect("sleep does not panic");
    let next_to_blocking = log.take();

    Answer { greeting, value, lazy, one_after_another, joined, spawned, next_to_blocking }
}

// step: functions that wait
async fn user(nap: Duration) -> BTreeMap<String, String> {
    let _span = span("user");
    sleep(nap).await;
    BTreeMap::from([("name".into(), "Ferris".into())])
}

async fn work(name: &str, nap: Duration, log: Log) {
    let _span = span(name);
    sleep(nap).await;
    log.say(name);
}
