//! Runs the scenes with one service: a default, a timeout, a retry, and a panic.

use std::time::Duration;

use errors::{RetryPolicy, ServiceError, Until, ask_all, greeting};

use super::clock::{Clock, print_line};
use super::services;

/// The time limit for one attempt.
const TIMEOUT: Duration = Duration::from_millis(500);

pub async fn default(clock: Clock) -> anyhow::Result<()> {
    clock.scene("a default", "for a service that fails, but not for a mistake of our own");
    let (_port, closed) = services::closed()?;
    for (name, address) in [("closed", closed.as_str()), ("no port", "localhost")] {
        let result = greeting(address, TIMEOUT).await;
        clock.say(name, &result);
        if result.is_err_and(|error| error.is_service_failure()) {
            print_line("                    so we use the default");
        }
    }
    Ok(())
}

pub async fn timeout(clock: Clock) -> anyhow::Result<()> {
    clock.scene("a timeout", "without one, a silent service would keep us waiting forever");
    let silent = services::silent().await?;
    clock.say("silent", &greeting(&silent, TIMEOUT / 4).await);
    Ok(())
}

pub async fn retry(clock: Clock) -> anyhow::Result<()> {
    clock.scene("a retry", "after a transient failure and a random pause, ask again");
    let shaky = services::shaky().await?;
    let policy = RetryPolicy { retries: 5, ..RetryPolicy::once(TIMEOUT) };
    let answer = errors::retry(policy, async || {
        let result = greeting(&shaky, TIMEOUT).await;
        clock.say("shaky", &result);
        result
    });
    answer.await?;
    Ok(())
}

pub async fn panic(clock: Clock) -> anyhow::Result<()> {
    async fn check(address: String, has_bug: bool) -> Result<String, ServiceError> {
        assert!(!has_bug, "a bug in the task that asks");
        greeting(&address, TIMEOUT).await
    }
    clock.scene("a panic", "ends only its own task, and the caller sees it as one more failure");
    let healthy = services::greeting_after(TIMEOUT / 10).await?;
    let checks = [check(healthy.clone(), true), check(healthy, false)];
    let results = ask_all(checks, Until::AllEnded).await;
    clock.say("our bug", &results[0]);
    clock.say("healthy", &results[1]);
    Ok(())
}
