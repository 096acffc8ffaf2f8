//! Tests what the lesson promises: every kind of failure has its own variant, and no failure hides
//! another.
//!
//! The tests come in this order: `greeting`, `ask_all`, `retry`, `hedged`, and then `greetings` and
//! the rules for failures.

use crate::services;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use errors::{
    FIRST_PAUSE, LONGEST_PAUSE, MAX_GREETING, Phase, RetryPolicy, ServiceError, Until, ask_all,
    greeting, greetings, hedged, retry,
};
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);

/// A boxed check, so that one list can hold checks of different types.
type Check = std::pin::Pin<Box<dyn Future<Output = Result<String, ServiceError>> + Send>>;

async fn failure(address: &str) -> ServiceError {
    greeting(address, LONG).await.unwrap_err()
}

#[tokio::test]
async fn a_greeting_is_returned_without_its_line_end() {
    assert_eq!(greeting(&services::says(b"hello\r\n").await, LONG).await.unwrap(), "hello");
    assert_eq!(greeting(&services::says(b"a\nb\n").await, LONG).await.unwrap(), "a");
    assert_eq!(greeting(&services::says(b"\n").await, LONG).await.unwrap(), "");
}

#[tokio::test]
async fn a_closed_port_cannot_be_connected_to() {
    let error = failure(&services::closed()).await;
    assert!(matches!(error, ServiceError::CannotConnect(_)), "{error:?}");
}

#[tokio::test]
async fn a_name_without_an_address_is_not_found() {
    // `.invalid` never resolves (RFC 6761).
    let error = failure("no-such-host.invalid:22").await;
    // On a machine without a network, the lookup may not even reach a name server.
    let unanswered = matches!(error, ServiceError::TimedOut { phase: Phase::Connecting, .. });
    assert!(matches!(error, ServiceError::NameNotFound(_)) || unanswered, "{error:?}");
}

#[tokio::test]
async fn an_address_that_is_not_host_and_port_is_rejected() {
    for address in
        ["", "http://host:80", "host", "host:", ":22", "host:port", "host:65536", "host:-1"]
    {
        let error = failure(address).await;
        assert!(matches!(error, ServiceError::BadAddress), "{address}: {error:?}");
    }
}

#[tokio::test]
async fn a_silent_service_times_out_and_sees_the_connection_close() {
    let (address, mut seen) = services::silent().await;
    let error = greeting(&address, SHORT).await.unwrap_err();
    assert!(
        matches!(error, ServiceError::TimedOut { phase: Phase::Reading, after } if after == SHORT),
        "{error:?}"
    );
    assert_eq!(seen.recv().await, Some("connected"));
    assert_eq!(seen.recv().await, Some("closed"));
}

// On Linux, a new connection has to wait while the listener's queue is full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_service_too_busy_to_accept_times_out_while_connecting() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    let error = greeting(&address.to_string(), SHORT).await.unwrap_err();
    assert!(matches!(error, ServiceError::TimedOut { phase: Phase::Connecting, .. }), "{error:?}");
}

#[tokio::test]
async fn an_endless_timeout_does_not_overflow() {
    let address = services::says(b"hello\n").await;
    assert_eq!(greeting(&address, Duration::MAX).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_service_that_hangs_up_too_soon_is_reported_as_closed_early() {
    let error = failure(&services::says(b"").await).await;
    assert!(matches!(error, ServiceError::ClosedEarly(0)), "{error:?}");
    let error = failure(&services::says(b"220 no line end").await).await;
    assert!(matches!(error, ServiceError::ClosedEarly(15)), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_reported_as_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut asking = pin!(greeting(&address, LONG));
    let service = tokio::select! {
        biased;
        result = &mut asking => panic!("the request ended before it was connected: {result:?}"),
        accepted = listener.accept() => accepted.unwrap().0,
    };
    // Let the client notice that it is connected. If the reset came earlier, connecting would
    // fail.
    for _ in 0..10 {
        tokio::select! {
            biased;
            result = &mut asking => panic!("the request ended before the reset: {result:?}"),
            () = yield_now() => {}
        }
    }
    service.set_zero_linger().unwrap(); // closing now sends a reset
    drop(service);
    let error = asking.await.unwrap_err();
    assert!(matches!(error, ServiceError::Broken(_)), "{error:?}");
}

#[tokio::test]
async fn bytes_that_are_not_text_are_reported_as_garbage() {
    let error = failure(&services::says(b"\xff\xfe\x00\n").await).await;
    assert!(matches!(error, ServiceError::Garbage("neither UTF-8 nor Latin-1 text")), "{error:?}");
}

#[tokio::test]
async fn a_line_that_is_too_long_is_reported_as_garbage() {
    const FITS: [u8; MAX_GREETING as usize] = {
        let mut line = [b'x'; MAX_GREETING as usize];
        line[MAX_GREETING as usize - 1] = b'\n';
        line
    };
    assert!(greeting(&services::says(&FITS).await, LONG).await.is_ok());
    let error = failure(&services::says(&[b'x'; 5000]).await).await;
    assert!(matches!(error, ServiceError::Garbage(_)), "{error:?}");
}

#[tokio::test]
async fn every_failure_is_collected_in_the_order_of_the_checks() {
    let (silent, _seen) = services::silent().await;
    let checks = [
        (services::says(b"first\n").await, LONG),
        (services::closed(), LONG),
        (silent, SHORT),
        (services::says(b"\xff\x00\n").await, LONG),
        (services::says(b"last\n").await, LONG),
    ]
    .map(|(address, time)| async move { greeting(&address, time).await });
    let results = ask_all(checks, Until::AllEnded).await;
    let [first, closed, silent, garbage, last] = results.try_into().unwrap();
    assert_eq!(first.unwrap(), "first");
    assert!(matches!(closed, Err(ServiceError::CannotConnect(_))));
    assert!(matches!(silent, Err(ServiceError::TimedOut { .. })));
    assert!(matches!(garbage, Err(ServiceError::Garbage(_))));
    assert_eq!(last.unwrap(), "last");
}

#[tokio::test]
async fn a_panic_stays_in_its_task() {
    let plain: Check = Box::pin(async { panic!("plain") });
    let formatted = Box::pin(async { panic!("with {}", 1) });
    let good = Box::pin(async { Ok("good".into()) });
    let results = ask_all([plain, formatted, good], Until::AllEnded).await;
    assert!(matches!(&results[0], Err(ServiceError::Panicked(said)) if said == "plain"));
    assert!(matches!(&results[1], Err(ServiceError::Panicked(said)) if said == "with 1"));
    assert_eq!(results[2].as_ref().unwrap(), "good");
}

// The clock is paused: when every task is waiting, the timeout fires immediately.
#[tokio::test(start_paused = true)]
async fn dropping_ask_all_aborts_its_tasks() {
    let (held, mut ended) = mpsc::channel::<()>(1);
    let (started, has_started) = oneshot::channel();
    let check = async move {
        let _held = held;
        started.send(()).unwrap();
        pending::<Result<String, ServiceError>>().await
    };
    tokio::select! {
        _ = ask_all([check], Until::AllEnded) => panic!("the check never ends by itself"),
        started = has_started => started.unwrap(),
    }
    // The channel closes when the check is dropped.
    assert_eq!(timeout(LONG, ended.recv()).await, Ok(None), "the check is still running");
}

#[tokio::test(start_paused = true)]
async fn cancelled_checks_have_been_dropped_when_ask_all_returns() {
    for until in [Until::FirstFailure, Until::FirstAnswer] {
        let held = Arc::new(());
        let endless = |_| -> Check {
            let held = Arc::clone(&held);
            Box::pin(async move {
                let _held = held;
                pending().await
            })
        };
        let mut checks: Vec<_> = (0..3).map(endless).collect();
        checks.push(Box::pin(async move {
            if until == Until::FirstAnswer {
                Ok("here".into())
            } else {
                Err(ServiceError::ClosedEarly(0))
            }
        }));
        let results = timeout(LONG, ask_all(checks, until)).await.expect("nothing was cancelled");
        // Nothing has been awaited since `ask_all` returned, so no aborted check can have ended
        // since then.
        assert_eq!(Arc::strong_count(&held), 1, "{until:?}: a cancelled check still exists");
        let cancelled =
            results.iter().filter(|result| matches!(result, Err(ServiceError::Cancelled)));
        assert_eq!(cancelled.count(), 3, "{until:?}: {results:?}");
    }
}

/// Asks a silent service, and asks another service as soon as the silent one has accepted the
/// connection. Returns both results once the silent service has seen its connection close.
async fn ask_next_to_a_silent_service(
    bytes: &'static [u8],
    until: Until,
) -> [Result<String, ServiceError>; 2] {
    let (silent, mut seen) = services::silent().await;
    let other = services::says(bytes).await;
    let (hand_over, handed_over) = oneshot::channel();
    let waits: Check = Box::pin(async move { greeting(&silent, LONG).await });
    let decides = Box::pin(async move {
        // The timeout ends the test if nobody ever asks the silent service.
        let event = timeout(Duration::from_secs(5), seen.recv()).await;
        assert_eq!(event, Ok(Some("connected")));
        let result = greeting(&other, LONG).await;
        hand_over.send(seen).unwrap();
        result
    });
    let results = ask_all([waits, decides], until).await;
    assert_eq!(handed_over.await.unwrap().recv().await, Some("closed"));
    results.try_into().unwrap()
}

#[tokio::test]
async fn the_first_failure_cancels_the_other_requests_and_closes_their_connections() {
    let [waiting, failed] = ask_next_to_a_silent_service(b"\xff\x00\n", Until::FirstFailure).await;
    assert!(matches!(waiting, Err(ServiceError::Cancelled)), "{waiting:?}");
    assert!(matches!(failed, Err(ServiceError::Garbage(_))), "{failed:?}");
}

#[tokio::test]
async fn the_first_answer_cancels_the_other_requests_and_closes_their_connections() {
    let [waiting, answered] = ask_next_to_a_silent_service(b"here\n", Until::FirstAnswer).await;
    assert!(matches!(waiting, Err(ServiceError::Cancelled)), "{waiting:?}");
    assert_eq!(answered.unwrap(), "here");
}

#[tokio::test]
async fn nothing_is_cancelled_if_no_result_triggers_the_rule() {
    let good = [services::says(b"a\n").await, services::says(b"b\n").await];
    let results = greetings(&good, RetryPolicy::once(LONG), Until::FirstFailure).await;
    assert_eq!(results.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), ["a", "b"]);

    let bad = [services::closed(), services::says(b"\xff\x00\n").await];
    let results = greetings(&bad, RetryPolicy::once(LONG), Until::FirstAnswer).await;
    assert!(matches!(results[0], Err(ServiceError::CannotConnect(_))));
    assert!(matches!(results[1], Err(ServiceError::Garbage(_))));
}

#[tokio::test]
async fn only_one_answer_counts_if_several_are_ready() {
    let ready = (0..10).map(|n| async move { Ok(n) });
    let results: Vec<Result<i32, _>> = ask_all(ready, Until::FirstAnswer).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_transient_failure_is_retried_until_the_service_answers() {
    let (shaky, mut seen) = services::shaky(3, b"at last\n").await;
    let policy = RetryPolicy { retries: 5, ..RetryPolicy::once(LONG) };
    let result = retry(policy, || greeting(&shaky, LONG)).await;
    assert_eq!(result.unwrap(), "at last");
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 3);
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let (garbage, mut seen) = services::shaky(1, b"\xff\x00\n").await;
    let policy = RetryPolicy { retries: 5, ..RetryPolicy::once(LONG) };
    let result = retry(policy, || greeting(&garbage, LONG)).await;
    assert!(matches!(result, Err(ServiceError::Garbage(_))), "{result:?}");
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 1);
}

#[tokio::test]
async fn the_number_of_retries_is_limited() {
    let (shaky, mut seen) = services::shaky(9, b"never\n").await;
    let policy = RetryPolicy { retries: 2, ..RetryPolicy::once(LONG) };
    let result = retry(policy, || greeting(&shaky, LONG)).await;
    assert!(matches!(result, Err(ServiceError::ClosedEarly(0))), "{result:?}");
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 3);
}

/// Returns the pauses between attempts that all fail immediately.
async fn pauses(policy: RetryPolicy) -> Vec<Duration> {
    let attempts = RefCell::new(Vec::new());
    let fail = || {
        attempts.borrow_mut().push(Instant::now());
        async { Err::<(), _>(ServiceError::ClosedEarly(0)) }
    };
    retry(policy, fail).await.unwrap_err();
    attempts.borrow().windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn pauses_are_random_and_their_bound_doubles() {
    let of_seed = async |seed| {
        pauses(RetryPolicy { retries: 12, seed: Some(seed), ..RetryPolicy::once(SHORT) }).await
    };
    assert_eq!(of_seed(1).await, of_seed(1).await);
    assert_ne!(of_seed(1).await, of_seed(2).await);
    let millisecond = Duration::from_millis(1); // the resolution of a timer
    let mut longest = [Duration::ZERO; 12];
    for seed in 0..200 {
        for (place, pause) in of_seed(seed).await.into_iter().enumerate() {
            let bound = (FIRST_PAUSE * 2_u32.pow(place as u32)).min(LONGEST_PAUSE);
            assert!(pause <= bound + millisecond, "{pause:?} at {place}");
            longest[place] = longest[place].max(pause);
        }
    }
    // The longest of 200 pauses is close to the bound, so pauses are drawn from the whole range up
    // to the bound.
    let bound = |place| (FIRST_PAUSE * 2_u32.pow(place)).min(LONGEST_PAUSE);
    assert!(longest.iter().zip(0..).all(|(longest, place)| *longest > bound(place) * 9 / 10));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_all_attempts_and_pauses() {
    for seed in 0..100 {
        let start = Instant::now();
        let wait = Duration::from_millis(200 * seed);
        let policy = RetryPolicy { seed: Some(seed), ..RetryPolicy::waiting(wait, SHORT) };
        // Each attempt takes as long as it is allowed to.
        let attempts = Cell::new(0);
        let attempt = async || {
            attempts.set(attempts.get() + 1);
            sleep(policy.time_for_attempt(Instant::now())).await;
            Err::<(), _>(ServiceError::ClosedEarly(0))
        };
        retry(policy, attempt).await.unwrap_err();
        // An attempt that is running at the deadline is cut short. If no attempt is running, a
        // last one starts. Each timer may fire a millisecond late.
        let latest = wait + SHORT + Duration::from_millis(2);
        assert!((wait..=latest).contains(&start.elapsed()), "{:?} of {wait:?}", start.elapsed());
        assert!(wait < 2 * FIRST_PAUSE + 2 * SHORT || attempts.get() > 1, "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_starts_at_the_deadline() {
    for seed in 0..100 {
        let start = Instant::now();
        let wait = Duration::from_secs(10);
        let policy = RetryPolicy { seed: Some(seed), ..RetryPolicy::waiting(wait, LONG) };
        // A service that comes up shortly before the deadline is always found.
        let up = start + wait - Duration::from_millis(1);
        let attempt = async || match Instant::now() < up {
            true => Err(ServiceError::ClosedEarly(0)),
            false => Ok(Instant::now()),
        };
        let found = retry(policy, attempt).await.unwrap();
        assert!(found <= start + wait + Duration::from_millis(2), "{:?}", found - start);
    }
}

#[tokio::test]
async fn the_deadline_cuts_an_attempt_short() {
    let (silent, _seen) = services::silent().await;
    // The deadline comes before the timeout. The error shows how much time the attempt had.
    let timeout = Duration::from_secs(2);
    let results = greetings(&[silent], RetryPolicy::waiting(SHORT, timeout), Until::AllEnded).await;
    let Err(ServiceError::TimedOut { after, .. }) = results[0] else { panic!("{results:?}") };
    assert!(after <= SHORT, "the attempt was allowed to take {after:?}, past the deadline");
}

#[tokio::test]
async fn a_check_still_queued_at_the_deadline_reports_that_it_was_queued() {
    let (silent, _seen) = services::silent().await;
    let addresses = vec![silent; errors::MAX_IN_FLIGHT + 1];
    let policy = RetryPolicy::waiting(SHORT, SHORT);
    let results = greetings(&addresses, policy, Until::AllEnded).await;
    let queued = |result: &Result<_, _>| {
        matches!(result, Err(ServiceError::TimedOut { phase: Phase::Queued, .. }))
    };
    assert!(queued(results.last().unwrap()), "{:?}", results.last());
    assert!(!queued(&results[0]), "{:?}", results[0]);
}

#[test]
fn a_wait_too_long_for_the_clock_lasts_for_decades() {
    let ninety_years = Duration::from_secs(2_840_000_000);
    let deadline = RetryPolicy::waiting(Duration::MAX, SHORT).deadline.unwrap();
    assert!(deadline - Instant::now() > ninety_years);
}

#[test]
fn waiting_for_a_service_includes_waiting_for_its_name() {
    let not_found = ServiceError::NameNotFound(std::io::Error::other("why"));
    assert!(!RetryPolicy { retries: 5, ..RetryPolicy::once(LONG) }.should_retry(&not_found));
    let waiting = RetryPolicy::waiting(LONG, LONG);
    assert!(waiting.should_retry(&not_found));
    assert!(!waiting.should_retry(&ServiceError::BadAddress));
    assert!(!waiting.should_retry(&ServiceError::Garbage("neither UTF-8 nor Latin-1 text")));
}

#[tokio::test]
async fn a_quick_answer_needs_no_hedge() {
    let (quick, mut seen) = services::shaky(1, b"quick\n").await;
    let result = hedged(LONG, || greeting(&quick, LONG)).await;
    assert_eq!(result.unwrap(), "quick");
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 1);
}

#[tokio::test]
async fn a_hedge_overtakes_a_slow_attempt_and_drops_it() {
    let (silent, mut seen) = services::silent().await;
    let quick = services::says(b"quick\n").await;
    let asked = Cell::new(0);
    let ask = || {
        asked.set(asked.get() + 1);
        greeting(if asked.get() == 1 { &silent } else { &quick }, LONG)
    };
    assert_eq!(hedged(SHORT, ask).await.unwrap(), "quick");
    assert_eq!(seen.recv().await, Some("connected"));
    assert_eq!(seen.recv().await, Some("closed"));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_takes_the_first_good_answer() {
    /// Runs a hedge whose first attempt ends after 10 s with `first`, and whose second one ends
    /// after 1 s with `second`. `None` stands for a failure.
    async fn outcome(
        first: Option<&'static str>,
        second: Option<&'static str>,
    ) -> Option<&'static str> {
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            let (seconds, answer) = if asked.get() == 1 { (10, first) } else { (1, second) };
            async move {
                sleep(Duration::from_secs(seconds)).await;
                answer.ok_or(ServiceError::ClosedEarly(0))
            }
        };
        hedged(SHORT, ask).await.ok()
    }
    assert_eq!(outcome(Some("first"), Some("second")).await, Some("second"));
    assert_eq!(outcome(Some("first"), None).await, Some("first"));
    assert_eq!(outcome(None, Some("second")).await, Some("second"));
    assert_eq!(outcome(None, None).await, None);
    // If the first attempt fails before the delay is over, `hedged` makes no second one.
    let once = Cell::new(0);
    let ask = || {
        once.set(once.get() + 1);
        async { Err::<(), _>(ServiceError::BadAddress) }
    };
    assert!(hedged(SHORT, ask).await.is_err());
    assert_eq!(once.get(), 1);
    assert!(tokio::time::timeout(LONG, hedged(SHORT, pending::<Result<(), _>>)).await.is_err());
}

#[tokio::test]
async fn at_most_64_services_are_asked_at_the_same_time() {
    const LIMIT: usize = 64;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = vec![listener.local_addr().unwrap().to_string(); 3 * LIMIT];
    let service = async {
        let mut open = VecDeque::new();
        let mut to_come = addresses.len();
        while to_come > 0 || !open.is_empty() {
            while open.len() < LIMIT && to_come > 0 {
                open.push_back(listener.accept().await.unwrap().0);
                to_come -= 1;
            }
            // Give the other checks a chance to connect. None of them may connect until one of the
            // open requests is answered.
            for _ in 0..10 {
                yield_now().await;
            }
            assert!(listener.accept().now_or_never().is_none(), "more than {LIMIT} connections");
            let mut oldest = open.pop_front().unwrap();
            oldest.write_all(b"hello\n").await.unwrap();
        }
        pending().await
    };
    let asking = greetings(&addresses, RetryPolicy::once(LONG), Until::AllEnded);
    let results = tokio::select! {
        results = asking => results,
        () = service => unreachable!("the service never ends"),
    };
    assert_eq!(results.len(), addresses.len());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn a_timeout_error_says_what_the_attempt_was_doing() {
    for (phase, words) in [
        (Phase::Queued, "timed out after 200ms while waiting for its turn"),
        (Phase::Connecting, "timed out after 200ms while connecting"),
        (Phase::Reading, "timed out after 200ms while waiting for its greeting"),
    ] {
        assert_eq!(ServiceError::TimedOut { phase, after: SHORT }.to_string(), words);
    }
}

#[test]
fn each_kind_says_whether_to_use_a_default_and_whether_to_retry() {
    let io = || std::io::Error::other("why");
    let late = |phase| ServiceError::TimedOut { phase, after: LONG };
    for (error, kind, is_service_failure, is_transient) in [
        (ServiceError::BadAddress, "bad-address", false, false),
        (ServiceError::NameNotFound(io()), "name-not-found", true, false),
        (ServiceError::CannotConnect(io()), "cannot-connect", true, true),
        (late(Phase::Connecting), "timed-out", true, true),
        (late(Phase::Reading), "timed-out", true, true),
        (ServiceError::ClosedEarly(3), "closed-early", true, true),
        (ServiceError::Broken(io()), "broken", true, true),
        (ServiceError::Garbage("neither UTF-8 nor Latin-1 text"), "garbage", true, false),
        (ServiceError::Panicked("bug".into()), "panicked", false, false),
        (ServiceError::Cancelled, "cancelled", false, false),
    ] {
        assert_eq!(error.kind(), kind);
        assert_eq!(
            (error.is_service_failure(), error.is_transient()),
            (is_service_failure, is_transient),
            "{kind}"
        );
    }
}

#[test]
fn a_pause_is_a_fraction_of_the_backoff_and_ends_at_the_deadline() {
    let (now, ms) = (Instant::now(), Duration::from_millis);
    let pause = |random, deadline: Option<u64>| {
        let deadline = deadline.map(|time| now + ms(time));
        RetryPolicy { deadline, ..RetryPolicy::once(LONG) }.pause(ms(100), random, now)
    };
    for (random, deadline, expected) in [
        (0.0, None, Some(0)),
        (0.5, None, Some(50)),
        (1.0, None, Some(100)),
        (0.5, Some(51), Some(50)),
        // The last attempt starts at the deadline.
        (0.5, Some(20), Some(20)),
        (0.0, Some(1), Some(0)),
        (0.5, Some(0), None),
    ] {
        assert_eq!(pause(random, deadline), expected.map(ms), "{random} of 100 ms, {deadline:?}");
    }
}
