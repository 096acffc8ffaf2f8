//! Shows what goes wrong with the naive translations of `except Exception` and `asyncio.gather`.

use crate::services;
use std::time::Duration;

use errors::{RetryPolicy, ServiceError, Until, greeting, greetings};
use futures_util::future::try_join_all;

const TIME: Duration = Duration::from_secs(20);

/// Returns the default for every error, like `except Exception: return "default"`.
async fn naive_safe(address: &str) -> String {
    greeting(address, TIME).await.unwrap_or_else(|_| "default".into())
}

#[tokio::test]
async fn the_naive_default_hides_a_mistake_of_our_own() {
    let closed = services::closed();
    let without_port = "localhost:";
    // The caller cannot tell a service that is down from a mistake in the address.
    assert_eq!(naive_safe(&closed).await, naive_safe(without_port).await);

    // A default may replace a failure of the service, but not hide a mistake of our own.
    let closed = greeting(&closed, TIME).await.unwrap_err();
    let without_port = greeting(without_port, TIME).await.unwrap_err();
    assert!(closed.is_service_failure() && !without_port.is_service_failure());
}

#[tokio::test]
async fn the_naive_gather_reports_one_failure_of_several() {
    let addresses =
        [services::closed(), services::says(b"\xff\x00\n").await, services::says(b"up\n").await];

    let first = try_join_all(addresses.iter().map(|address| greeting(address, TIME))).await;
    assert!(first.is_err(), "`try_join_all` must return an error, and no answers");

    let all = greetings(&addresses, RetryPolicy::once(TIME), Until::AllEnded).await;
    assert!(matches!(all[0], Err(ServiceError::CannotConnect(_))));
    assert!(matches!(all[1], Err(ServiceError::Garbage(_))));
    assert_eq!(all[2].as_ref().unwrap(), "up");
}
