//! What the lesson promises: every kind of failure is a variant of its own, and none hides another.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod services;

use std::time::Duration;

use errors::{MAX_GREETING, Phase, ServiceError, contain, greeting, greetings};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);

async fn failure(address: &str) -> ServiceError {
    greeting(address, LONG).await.unwrap_err()
}

#[tokio::test]
async fn a_greeting_comes_without_its_line_end() {
    assert_eq!(greeting(&services::says(b"hello\r\n").await, LONG).await.unwrap(), "hello");
    assert_eq!(greeting(&services::says(b"a\nb\n").await, LONG).await.unwrap(), "a");
    assert_eq!(greeting(&services::says(b"\n").await, LONG).await.unwrap(), "");
}

#[tokio::test]
async fn a_closed_port_cannot_be_connected_to() {
    let error = failure(&services::closed().await).await;
    assert!(matches!(error, ServiceError::CannotConnect(_)), "{error:?}");
}

#[tokio::test]
async fn a_name_without_an_address_is_not_found() {
    // `.invalid` never resolves (RFC 6761).
    let error = failure("no-such-host.invalid:22").await;
    // A machine may be cut off such that nobody answers even that.
    let unanswered = matches!(error, ServiceError::TimedOut { phase: Phase::Connecting, .. });
    assert!(matches!(error, ServiceError::NameNotFound(_)) || unanswered, "{error:?}");
}

#[tokio::test]
async fn what_is_no_host_and_port_is_refused() {
    for address in
        ["", "http://host:80", "host", "host:", ":22", "host:port", "host:65536", "host:-1"]
    {
        let error = failure(address).await;
        assert!(matches!(error, ServiceError::BadAddress), "{address}: {error:?}");
    }
}

#[tokio::test]
async fn a_silent_service_times_out_while_reading_and_is_hung_up_on() {
    let (address, mut seen) = services::silent().await;
    let error = greeting(&address, SHORT).await.unwrap_err();
    assert!(
        matches!(error, ServiceError::TimedOut { phase: Phase::Reading, after } if after == SHORT),
        "{error:?}"
    );
    assert_eq!(seen.recv().await, Some("connected"));
    assert_eq!(seen.recv().await, Some("closed"));
}

// A listener whose queue of waiting connections is full lets further ones wait, on Linux.
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
async fn an_endless_time_out_does_not_overflow() {
    let address = services::says(b"hello\n").await;
    assert_eq!(greeting(&address, Duration::MAX).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_service_that_hangs_up_closed_early() {
    let error = failure(&services::says(b"").await).await;
    assert!(matches!(error, ServiceError::ClosedEarly(0)), "{error:?}");
    let error = failure(&services::says(b"220 no line end").await).await;
    assert!(matches!(error, ServiceError::ClosedEarly(15)), "{error:?}");
}

#[tokio::test]
async fn garbage_is_told_from_a_greeting() {
    let error = failure(&services::says(b"\xff\xfe\n").await).await;
    assert!(matches!(error, ServiceError::Garbage("not UTF-8")), "{error:?}");
}

#[tokio::test]
async fn a_line_without_end_is_not_read_for_ever() {
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
async fn a_panic_stays_in_its_task() {
    for (panic, message) in [
        (contain::<()>(async { panic!("plain") }).await, "plain"),
        (contain::<()>(async { panic!("with {}", 1) }).await, "with 1"),
    ] {
        assert!(matches!(panic, Err(ServiceError::Panicked(m)) if m == message));
    }
}

#[tokio::test]
async fn a_dropped_question_is_aborted() {
    let (address, mut seen) = services::silent().await;
    let question = contain(async move { greeting(&address, LONG).await });
    // Dropped once the service has seen it.
    tokio::select! {
        _ = question => panic!("a silent service has answered"),
        event = seen.recv() => assert_eq!(event, Some("connected")),
    }
    assert_eq!(seen.recv().await, Some("closed"));
}

#[tokio::test]
async fn every_failure_is_collected_in_the_order_asked_for() {
    let (silent, _seen) = services::silent().await;
    let addresses = [
        services::says(b"first\n").await,
        services::closed().await,
        silent,
        services::says(b"\xff\n").await,
        services::says(b"last\n").await,
    ];
    // Asked side by side: one time-out in all, long enough for those that do answer.
    let results = greetings(&addresses, Duration::from_secs(2)).await;
    let [first, closed, silent, garbage, last] = results.try_into().unwrap();
    assert_eq!(first.unwrap(), "first");
    assert!(matches!(closed, Err(ServiceError::CannotConnect(_))));
    assert!(matches!(silent, Err(ServiceError::TimedOut { .. })));
    assert!(matches!(garbage, Err(ServiceError::Garbage(_))));
    assert_eq!(last.unwrap(), "last");
}

#[tokio::test]
async fn many_services_are_asked_so_many_at_a_time() {
    let (silent, mut seen) = services::silent().await;
    let addresses = vec![silent; 3 * errors::AT_ONCE];
    let results = greetings(&addresses, SHORT).await;
    assert!(results.iter().all(|result| matches!(result, Err(ServiceError::TimedOut { .. }))));
    let (mut open, mut most) = (0_usize, 0);
    while let Ok(event) = seen.try_recv() {
        open = if event == "connected" { open + 1 } else { open - 1 };
        most = most.max(open);
    }
    // The service may learn a little late that a connection has ended.
    assert!(most <= 2 * errors::AT_ONCE, "{most} at once");
}

#[test]
fn each_kind_says_whether_a_default_may_stand_in_and_whether_to_try_again() {
    let io = || std::io::Error::other("why");
    let late = |phase| ServiceError::TimedOut { phase, after: LONG };
    for (error, unreachable, may_pass) in [
        (ServiceError::BadAddress, false, false),
        (ServiceError::NameNotFound(io()), true, false),
        (ServiceError::CannotConnect(io()), true, true),
        (late(Phase::Connecting), true, true),
        (late(Phase::Reading), false, true),
        (ServiceError::ClosedEarly(3), false, true),
        (ServiceError::Broken(io()), false, true),
        (ServiceError::Garbage("not UTF-8"), false, false),
        (ServiceError::Panicked("bug".into()), false, false),
    ] {
        assert_eq!((error.is_unreachable(), error.may_pass()), (unreachable, may_pass), "{error}");
    }
}
