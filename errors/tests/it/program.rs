//! Tests the program by running it as a user would.

use crate::services;
use std::path::Path;
use std::process::{Output, Stdio};

use assert_cmd::Command;
use tokio::io::{AsyncBufReadExt, BufReader};

const ERRORS: &str = env!("CARGO_BIN_EXE_errors");

/// Runs the program until it ends, and returns its output.
async fn errors(arguments: &[&str]) -> Output {
    let mut command = Command::new(ERRORS);
    command.args(arguments).timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn without_arguments_the_program_runs_every_scene() {
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("errors-timeline.svg");
    let output = errors(&["--timeline-svg", picture.to_str().unwrap()]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The output has to contain these phrases, in this order.
    let mut rest = lines.as_str();
    for words in [
        "a default:",
        "closed     failed: cannot connect",
        "so we use the default",
        "no port    failed: the address must be HOST:PORT",
        "a timeout:",
        "silent     failed: timed out after 125ms while waiting for its greeting",
        "a retry:",
        "failed: the service hung up",
        "failed: the service hung up",
        "greets with",
        "a panic:",
        "our bug    failed: the task panicked: a bug",
        "healthy    greets with",
        "collect:",
        "cannot connect",
        "garbage: neither UTF-8 nor Latin-1 text",
        "ready when you are",
        "timed out",
        // Either `closed` or `garbage` fails first and cancels the others. The scheduler decides
        // which one it is.
        "fail fast:",
        "slow       failed: cancelled",
        "silent     failed: cancelled",
        "any:",
        "slow       greets with",
        "silent     failed: cancelled",
        "a hedge:",
        "alone      greets with",
        "hedged     greets with",
    ] {
        let Some((_, after)) = rest.split_once(words) else {
            panic!("{words:?} is missing in\n{rest}\nThe whole output is\n{lines}")
        };
        rest = after;
    }
    assert!(lines.contains("the caller has hung up"), "{lines}");

    // The last character in each row of the timeline shows how the request ended.
    for (row, ending) in [
        ("in turn  slow", '✓'),
        ("in turn  silent", '×'),
        ("collect  garbage", '×'),
        ("collect  slow", '✓'),
        ("fail fast  silent", '○'),
        ("any  closed", '×'),
        ("any  slow", '✓'),
        ("any  silent", '○'),
        ("alone", '✓'),
        ("hedged  first", '○'),
        ("hedged  second", '✓'),
    ] {
        let line = lines.lines().find(|line| line.starts_with(&format!("{row}  "))).unwrap();
        assert!(line.ends_with(ending), "{line:?} should end with {ending}");
    }
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("hedged  second"), "{svg}");
}

#[tokio::test]
async fn a_closed_pipe_ends_the_demonstration_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let program =
        std::process::Command::new(ERRORS).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output =
        tokio::task::spawn_blocking(move || program.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
}

#[tokio::test]
async fn it_names_each_failed_service_and_prints_the_other_greetings() {
    let good = services::says(b"220 hello\r\n").await;
    let closed = services::closed();
    let output = errors(&[&closed, &good, "nonsense"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), format!("{good}  220 hello\n"));
    let errors = text(&output.stderr);
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with(&format!("errors: {closed}: cannot connect: ")), "{errors:?}");
    assert_eq!(
        errors[1],
        "errors: nonsense: the address must be HOST:PORT, such as localhost:22 or [::1]:22"
    );
}

#[tokio::test]
async fn a_default_replaces_a_failed_service_but_does_not_hide_an_invalid_address() {
    let (closed, garbage) = (services::closed(), services::says(b"\xff\x00\n").await);
    let output = errors(&["--default", "down", &closed, &garbage]).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), format!("{closed}  down\n{garbage}  down\n"));
    let reported = text(&output.stderr);
    assert!(reported.contains(": using the default: "), "{reported}");
    assert!(
        reported.contains("cannot connect") && reported.contains("neither UTF-8 nor Latin-1 text"),
        "{reported}"
    );

    let output = errors(&["--default", "down", "localhost"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn retries_help_against_transient_failures() {
    let (shaky, _seen) = services::shaky(3, b"at last\n").await;
    assert_eq!(errors(&["--retries", "1", &shaky]).await.status.code(), Some(1));
    let (shaky, _seen) = services::shaky(3, b"at last\n").await;
    let output = errors(&["--retries", "2", &shaky]).await;
    assert_eq!(text(&output.stdout), format!("{shaky}  at last\n"));
    assert!(output.status.success());
}

#[tokio::test]
async fn it_waits_until_a_service_is_up() {
    let (socket, later) = services::reserved();
    let mut command = tokio::process::Command::new(ERRORS);
    command.args(["--wait", "20s", "-v", &later]).kill_on_drop(true);
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The service starts once the log shows that an attempt was refused.
    let mut log = BufReader::new(program.stderr.take().unwrap()).lines();
    let line = log.next_line().await.unwrap().unwrap();
    assert!(line.contains("CannotConnect"), "{line}");
    services::says_on(socket.listen(8).unwrap(), b"here\n");
    let (output, _rest) = tokio::join!(program.wait_with_output(), async {
        while log.next_line().await.unwrap().is_some() {}
    });
    let output = output.unwrap();
    assert_eq!(text(&output.stdout), format!("{later}  here\n"));
    assert!(output.status.success());
}

#[tokio::test]
async fn it_stops_waiting_when_the_time_is_up() {
    let closed = services::closed();
    let output = errors(&["--wait", "600ms", "-v", &closed]).await;
    assert_eq!(output.status.code(), Some(1));
    let reported = text(&output.stderr);
    assert!(reported.lines().last().unwrap().contains("cannot connect"), "{reported}");
    // Each line of the log starts with the number of seconds since the program started.
    let attempts: Vec<f64> = reported
        .lines()
        .filter(|line| line.contains("attempt="))
        .map(|line| line.split_whitespace().next().unwrap().trim_end_matches('s').parse().unwrap())
        .collect();
    assert!(attempts.len() > 1, "{reported}");
    assert!(attempts.iter().all(|seconds| *seconds < 0.6 + 10.0), "{reported}");
}

#[tokio::test]
async fn fail_fast_stops_at_the_first_failure_and_names_what_it_cancelled() {
    let (silent, _seen) = services::silent().await;
    let closed = services::closed();
    let output = errors(&["--fail-fast", "--timeout", "1h", &silent, &closed]).await;
    assert_eq!(output.status.code(), Some(1));
    let reported = text(&output.stderr);
    assert!(reported.contains(&format!("errors: {silent}: cancelled\n")), "{reported}");
    assert!(reported.contains(&format!("errors: {closed}: cannot connect")), "{reported}");
}

#[tokio::test]
async fn any_takes_the_first_answer() {
    let (silent, _seen) = services::silent().await;
    let (closed, good) = (services::closed(), services::says(b"here\n").await);
    let output = errors(&["--any", "--timeout", "1h", &silent, &closed, &good]).await;
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), format!("{good}  here\n"));
    assert_eq!(text(&output.stderr), "");

    let output = errors(&["--any", &closed]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot connect"));
}

#[tokio::test]
async fn json_prints_one_object_per_line() {
    let (good, closed) = (services::says(b"\x1b[0m\n").await, services::closed());
    let output = errors(&["--json", &good, &closed]).await;
    assert_eq!(output.status.code(), Some(1));
    let lines = text(&output.stdout);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines[0],
        serde_json::json!({"service": good, "greeting": "\u{1b}[0m", "error": null, "kind": null})
    );
    assert_eq!(lines[1]["kind"], "cannot-connect");
    assert!(lines[1]["error"].as_str().unwrap().starts_with("cannot connect: "));
}

#[tokio::test]
async fn verbose_logs_each_attempt() {
    let (shaky, _seen) = services::shaky(2, b"at last\n").await;
    let output = errors(&["-v", "--retries", "2", &shaky]).await;
    let log = text(&output.stderr);
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    for (line, words) in lines
        .iter()
        .zip(["attempt=1 answer=Err(ClosedEarly(0))", "attempt=2 answer=Ok(\"at last\")"])
    {
        assert!(line.contains(words) && line.contains(&shaky), "{line}");
    }
    assert_eq!(text(&errors(&[&shaky]).await.stderr), "");
}

#[tokio::test]
async fn a_silent_service_fails_after_the_timeout() {
    let (silent, _seen) = services::silent().await;
    let output = errors(&["--timeout", "100ms", &silent]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("timed out after 100ms"));
}

#[tokio::test]
async fn control_characters_from_a_service_are_replaced() {
    let rude = services::says(b"\x1b[2Jgone\n").await;
    let output = errors(&[&rude]).await;
    assert_eq!(text(&output.stdout), format!("{rude}  \u{fffd}[2Jgone\n"));
    let turned = services::says("a\u{202e}b\u{2028}c\n".as_bytes()).await;
    let output = errors(&[&turned]).await;
    assert_eq!(text(&output.stdout), format!("{turned}  a\u{fffd}b\u{fffd}c\n"));
}

#[tokio::test]
async fn an_invalid_option_value_is_a_usage_error() {
    let output = errors(&["--timeout", "soon", "127.0.0.1:1"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("soon"));
    for wrong in [["--timeout", "0s"], ["--wait", "0s"], ["--retries", "-1"]] {
        let output = errors(&[wrong[0], wrong[1], "127.0.0.1:1"]).await;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    assert!(
        text(&errors(&["--wait", "0s", "127.0.0.1:1"]).await.stderr).contains("greater than zero")
    );
    for conflict in [["--any", "--fail-fast"], ["--timeline-svg", "timeline.svg"]] {
        let output = errors(&[conflict[0], conflict[1], "127.0.0.1:1"]).await;
        assert_eq!(output.status.code(), Some(2), "{conflict:?}");
    }
}

#[tokio::test]
async fn failures_are_reported_even_if_stdout_is_closed() {
    let (good, closed) = (services::says(b"here\n").await, services::closed());
    let mut command = std::process::Command::new(ERRORS);
    command.args([&good, &closed]).stderr(Stdio::piped());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.stdout(writer).spawn().unwrap();
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&format!("{closed}: cannot connect")));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_program() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        let (silent, mut seen) = services::silent().await;
        let mut child =
            std::process::Command::new(ERRORS).args(["--timeout", "1h", &silent]).spawn().unwrap();
        assert_eq!(seen.recv().await, Some("connected"));
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success()
        );
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(status.code(), Some(code));
    }
}

#[cfg(unix)]
#[test]
fn a_program_that_cannot_start_prints_a_clean_message() {
    let script = "ulimit -n 5; exec \"$0\" 127.0.0.1:1";
    let output = std::process::Command::new("sh").args(["-c", script, ERRORS]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("errors: cannot start: "), "{errors}");

    let output = std::process::Command::new(ERRORS).arg("--\x1b[2J").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("\u{fffd}[2J") && !errors.contains('\x1b'), "{errors}");
}

#[tokio::test]
async fn connect_is_enough_for_a_service_that_never_greets() {
    let (silent, _seen) = services::silent().await;
    let output = errors(&["--connect", &silent]).await;
    assert_eq!(text(&output.stdout), format!("{silent}  accepts connections\n"));
    assert!(output.status.success());
    // Without `--connect`, the message suggests that option.
    let output = errors(&["--timeout", "100ms", &silent]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("use --connect"), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_runs_in_place_of_the_program_once_everything_is_up() {
    let (up, closed) = (services::says(b"up\n").await, services::closed());
    let command = ["--", "sh", "-c", "echo ran as $$; exit 7"];
    let mut program = std::process::Command::new(ERRORS);
    program.arg(&up).args(command).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = program.spawn().unwrap();
    let id = child.id();
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    // The command runs in the same process, so a signal sent to the program reaches the command.
    assert_eq!(text(&output.stdout), format!("ran as {id}\n"));
    assert_eq!(text(&output.stderr), format!("{up}  up\n"));
    assert_eq!(output.status.code(), Some(7));

    let output = errors(&[&[closed.as_str()], &command[..]].concat()).await;
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    let output = errors(&[&up, "--", "/no/such/program"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("errors: /no/such/program: "),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test]
async fn greetings_of_several_lines_and_in_latin_1_are_shown() {
    let lines = services::says(b"220-one\r\n220-two\r\n220 three\r\n").await;
    let latin1 = services::says(b"220 caf\xe9\n").await;
    let output = errors(&[&lines, &latin1]).await;
    let expected = format!("{lines}  220-one / 220-two / 220 three\n{latin1}  220 caf\u{e9}\n");
    assert_eq!(text(&output.stdout), expected);
}

#[tokio::test]
async fn messages_and_json_escape_control_characters() {
    let unsafe_text = services::says("220 \u{202e}\u{9b}2J\n".as_bytes()).await;
    let output = errors(&["--json", &unsafe_text, "wr\u{1b}ong"]).await;
    let lines = text(&output.stdout);
    assert!(lines.contains("220 \\u202e\\u009b2J"), "{lines}");
    assert!(!lines.contains('\u{1b}') && !text(&output.stderr).contains('\u{1b}'), "{lines}");
}

#[tokio::test]
async fn with_any_an_invalid_address_is_still_reported() {
    let service = services::says(b"220 ready\n").await;
    let output = errors(&["--any", &service, "wr\u{1b}ong"]).await;
    assert!(output.status.success());
    let errors = text(&output.stderr);
    assert!(errors.starts_with("errors: wr\u{fffd}ong: the address must be HOST:PORT"), "{errors}");
}
