//! Tests the program by running it as a user would.

use assert_cmd::Command;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const HELLO: &str = env!("CARGO_BIN_EXE_hello");

/// The scenes run in real time. To save time, the test starts a separate process for each scene,
/// and all of these run concurrently.
#[test]
fn every_scene_prints_the_expected_lines() {
    let scenes: [(&str, &[&str]); 7] = [
        ("hello", &["hello: ", "Hello", "World"]),
        ("value", &["value: ", "Ferris"]),
        ("lazy", &["lazy: ", "made a future", "still hasn't done", "the future runs"]),
        ("poll", &["poll: ", "poll 1: pending", "wake", "poll 2", "wake", "poll 3: ready"]),
        ("together", &["together: ", "in turn", "a on main", "join!", "a on main", "spawn"]),
        ("share", &["share: ", "one addition     10", "across the .await    10"]),
        ("blocking", &["blocking: ", "tokio::time::sleep", "0 ticks", "spawn_blocking"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let start = |scene| {
        let mut hello = std::process::Command::new(HELLO);
        hello.arg("--timeline-svg").arg(&picture).arg(scene);
        hello.stdout(Stdio::piped()).spawn().unwrap()
    };
    let playing = scenes.map(|(scene, story)| (start(scene), story));
    for (hello, story) in playing {
        let output = hello.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let mut rest = text.as_str();
        for words in story {
            let (_, after) = rest.split_once(words).unwrap_or_else(|| {
                panic!("{words:?} is missing, or not in this order, in\n{text}")
            });
            rest = after;
        }
        assert!(!text.contains("never printed"));
    }
    // The scene `together` has saved its timeline as a picture.
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("spawn  c"), "{svg}");
}

#[test]
fn only_the_named_scenes_are_run() {
    let output = Command::new(HELLO).arg("lazy").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the future runs") && !text.contains("World"), "{text}");
}

#[test]
fn an_unknown_scene_is_a_usage_error() {
    let assert = Command::new(HELLO).arg("nonsense").assert().code(2);
    let errors = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(errors.contains("nonsense") && errors.contains("lazy"), "{errors}");
}

#[test]
fn a_picture_that_cannot_be_saved_is_an_error() {
    let assert =
        Command::new(HELLO).args(["together", "--timeline-svg", "/nonexistent/x"]).assert().code(1);
    let errors = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(errors.starts_with("hello: /nonexistent/x: "), "{errors}");
}

#[test]
fn help_has_an_example() {
    let output = Command::new(HELLO).arg("--help").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("hello lazy blocking"));
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut child = std::process::Command::new(HELLO)
        .arg("lazy")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // The reading end of the pipe is closed now, so the program cannot write its next line.
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
