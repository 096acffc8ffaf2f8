//! `hello` on smol.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use smol::Timer;
use smol::future::zip;

use super::{Answer, Input, Log};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(Duration::from_millis(input.nap_ms)))
}

async fn lesson(nap: Duration) -> Answer {
    // step: say hello, wait without blocking, say world
    let log = Log::default();
    log.say("Hello");
    Timer::after(nap).await;
    log.say("World");
    let greeting = log.take();

    // step: await a value
    let value = user(nap).await;

    // step: a future does nothing until it is awaited
    let future = async { log.say("ran") };
    log.say("made");
    Timer::after(nap).await;
    log.say("awaited");
    future.await;
    let lazy = log.take();

    // step: one after another
    work("a", 3 * nap, log.clone()).await;
    work("b", nap, log.clone()).await;
    let one_after_another = log.take();

    // step: both inside this task
    zip(work("a", 3 * nap, log.clone()), work("b", nap, log.clone())).await;
    let joined = log.take();

    // step: each in its own task
    let a = smol::spawn(work("a", 3 * nap, log.clone()));
    let b = smol::spawn(work("b", nap, log.clone()));
    // Awaiting a handle returns the value. If the task panics, the panic unwinds into us.
    // Dropping a handle would cancel its task.
    a.await;
    b.await;
    let spawned = log.take();

    // step: a blocking call runs on a thread that may block
    let its_log = log.clone();
    let blocking = smol::unblock(move || {
        thread::sleep(3 * nap);
        its_log.say("blocking call");
    });
    work("b", nap, log.clone()).await;
    blocking.await;
    let next_to_blocking = log.take();

    Answer { greeting, value, lazy, one_after_another, joined, spawned, next_to_blocking }
}

// step: functions that wait
async fn user(nap: Duration) -> BTreeMap<String, String> {
    let _span = span("user");
    Timer::after(nap).await;
    BTreeMap::from([("name".into(), "Ferris".into())])
}

async fn work(name: &str, nap: Duration, log: Log) {
    let _span = span(name);
    Timer::after(nap).await;
    log.say(name);
}
