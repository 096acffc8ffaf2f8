//! The program, started as a user would.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod services;

use std::process::Output;

use assert_cmd::Command;

const ERRORS: &str = env!("CARGO_BIN_EXE_errors");

async fn errors(arguments: &[&str]) -> Output {
    let mut command = Command::new(ERRORS);
    command.args(arguments).timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn without_arguments_it_shows_every_kind_of_failure() {
    let output = errors(&[]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for word in [
        "ready when you are",
        "cannot connect",
        "timed out after 1s while waiting for its greeting",
        "garbage",
        "hung up after 0 bytes",
        "the task panicked: a bug in the task that asks",
        "one after another",
    ] {
        assert!(lines.contains(word), "no {word:?} in\n{lines}");
    }
}

#[tokio::test]
async fn it_names_each_service_that_fails_and_prints_the_others() {
    let good = services::says(b"220 hello\r\n").await;
    let closed = services::closed().await;
    let output = errors(&[&closed, &good, "nonsense"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), format!("{good}  220 hello\n"));
    let errors = text(&output.stderr);
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with(&format!("errors: {closed}: cannot connect: ")), "{errors:?}");
    assert_eq!(errors[1], "errors: nonsense: the address is not HOST:PORT");
}

#[tokio::test]
async fn a_default_stands_in_for_what_cannot_be_reached_and_for_nothing_else() {
    let closed = services::closed().await;
    let output = errors(&["--default", "down", &closed]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), format!("{closed}  down\n"));
    assert!(text(&output.stderr).contains("the default stands in"));

    let garbage = services::says(b"\xff\n").await;
    let output = errors(&["--default", "down", &garbage]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn a_silent_service_is_given_up_after_the_time_out() {
    let (silent, _seen) = services::silent().await;
    let output = errors(&["--timeout", "100ms", &silent]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("timed out after 100ms"));
}

#[tokio::test]
async fn a_service_cannot_write_all_over_the_terminal() {
    let rude = services::says(b"\x1b[2Jgone\n").await;
    let output = errors(&[&rude]).await;
    assert_eq!(text(&output.stdout), format!("{rude}  \u{fffd}[2Jgone\n"));
}

#[tokio::test]
async fn a_time_out_that_is_none_is_a_wrong_call() {
    let output = errors(&["--timeout", "soon", "127.0.0.1:1"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("soon"));
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_with_130() {
    let (silent, mut seen) = services::silent().await;
    let mut child =
        std::process::Command::new(ERRORS).args(["--timeout", "1h", &silent]).spawn().unwrap();
    assert_eq!(seen.recv().await, Some("connected"));
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(130));
}
