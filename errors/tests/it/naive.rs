//! What a plain translation of `try: ... except Exception: return default` hides.

use crate::services;
use std::time::Duration;

use errors::{Patience, ServiceError, Until, greeting, greetings};
use futures_util::future::try_join_all;

const TIME: Duration = Duration::from_secs(20);

/// Catches whatever went wrong, and returns the default.
async fn naive_safe(address: &str) -> String {
    greeting(address, TIME).await.unwrap_or_else(|_| "default".into())
}

#[tokio::test]
async fn the_naive_default_hides_a_mistake_of_our_own() {
    let closed = services::closed();
    let misspelt = "localhost:";
    // Two very different things, and nobody can tell.
    assert_eq!(naive_safe(&closed).await, naive_safe(misspelt).await);

    // A default may stand in for what a service did, and not for what we did.
    let closed = greeting(&closed, TIME).await.unwrap_err();
    let misspelt = greeting(misspelt, TIME).await.unwrap_err();
    assert!(closed.is_of_the_service() && !misspelt.is_of_the_service());
}

#[tokio::test]
async fn the_naive_gather_reports_one_failure_of_several() {
    let addresses =
        [services::closed(), services::says(b"\xff\n").await, services::says(b"up\n").await];

    let first = try_join_all(addresses.iter().map(|address| greeting(address, TIME))).await;
    assert!(first.is_err(), "one error; the other failure and the answer are lost");

    let all = greetings(&addresses, Patience::once(TIME), Until::AllEnded).await;
    assert!(matches!(all[0], Err(ServiceError::CannotConnect(_))));
    assert!(matches!(all[1], Err(ServiceError::Garbage(_))));
    assert_eq!(all[2].as_ref().unwrap(), "up");
}
