//! Starts the program as a user would.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;

const LIMITER: &str = env!("CARGO_BIN_EXE_rate-limiter");

fn limiter(arguments: &[&str]) -> Command {
    let mut command = Command::new(LIMITER);
    command.args(arguments).timeout(Duration::from_secs(30));
    command
}

/// Starts the program with pipes for its stdin, stdout and stderr.
fn piped(arguments: &[&str]) -> Child {
    std::process::Command::new(LIMITER)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_demo_lets_ten_requests_pass_at_three_per_second() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let output = limiter(&["--timeline-svg", picture.to_str().unwrap()]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(lines.matches("  request ").count(), 10, "{lines}");
    assert!(lines.contains("The most grants in any 1s: 3.\n"), "{lines}");
    // Four windows begin, and the tenth request waits until three of them have ended.
    let row = |name| lines.lines().find(|line| line.starts_with(name)).unwrap();
    assert_eq!(row("windows").matches('├').count(), 4, "{lines}");
    assert!(row("request 10").matches('·').count() > 30, "{lines}");
    assert!(std::fs::read_to_string(picture).unwrap().contains("request 10"));
}

#[test]
fn naive_shows_how_far_the_limit_is_exceeded() {
    let output = limiter(&["--naive"]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(lines.contains("The most grants in any 1s: 7, 4 too many."), "{lines}");
}

#[test]
fn lines_pass_unchanged_and_in_order() {
    let input = b"one\n\nthree \xff\nwithout an end";
    let output = limiter(&["--limit", "2", "--per", "20ms", "-"])
        .write_stdin(input.as_slice())
        .output()
        .unwrap();
    assert_eq!(output.stdout, input);
    assert!(output.status.success());
}

#[test]
fn a_file_is_copied_just_like_stdin() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = limiter(&["--limit", "1000", path]).output().unwrap();
    assert_eq!(output.stdout, std::fs::read(path).unwrap());
}

#[test]
fn each_line_is_passed_on_when_it_arrives() {
    let mut child = piped(&["--limit", "100", "-"]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    // We write the next line only after the previous one has appeared, so if the program buffered
    // its lines, this test would hang.
    for line in ["first\n", "second\n"] {
        input.write_all(line.as_bytes()).unwrap();
        let mut seen = String::new();
        output.read_line(&mut seen).unwrap();
        assert_eq!(seen, line);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut child = piped(&["--limit", "1000000", "-"]);
    drop(child.stdout.take());
    // Writing fails if the program has already ended.
    let _ = child.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_program_immediately() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let mut child = piped(&["-"]);
        // This line shows that the program is running. Then the program waits for another line,
        // which never comes.
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"up\n").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(status));
        drop(input);
    }
}

#[test]
fn the_window_counts_from_the_moment_a_line_was_written() {
    const WINDOW: Duration = Duration::from_millis(200);
    let mut child = piped(&["--limit", "1", "--per", "200ms", "-"]);
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // No pipe can hold the whole first line, so the program finishes writing the line only when we
    // read it.
    const LONG: usize = 4 << 20;
    let writer = std::thread::spawn(move || {
        input.write_all(&[b'x'; LONG]).unwrap();
        input.write_all(b"\nsecond\n").unwrap();
    });
    // While we sleep, the window that began with the first line's grant ends.
    std::thread::sleep(2 * WINDOW);
    let start = Instant::now();
    output.read_exact(&mut vec![0; LONG + 1]).unwrap();
    output.read_exact(&mut [0; 7]).unwrap();
    assert!(start.elapsed() >= WINDOW, "the second line came {:?} later", start.elapsed());
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn spread_lines_appear_evenly_instead_of_together() {
    let start = Instant::now();
    let arguments = ["--limit", "4", "--per", "800ms", "--spread", "-"];
    let output = limiter(&arguments).write_stdin("1\n2\n3\n4\n").output().unwrap();
    assert_eq!(output.stdout, b"1\n2\n3\n4\n");
    // Without the option, all four lines would appear immediately.
    assert!(start.elapsed() >= Duration::from_millis(600), "{:?}", start.elapsed());
}

#[test]
fn bytes_are_limited_and_copied_unchanged() {
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    for (spread, least) in [(None, 200), (Some("--spread"), 200)] {
        let arguments = ["--bytes", "--limit", "2000", "--per", "100ms", "-"];
        let start = Instant::now();
        let mut command = limiter(&arguments);
        let output = command.args(spread).write_stdin(bytes.clone()).output().unwrap();
        assert!(output.stdout == bytes && output.status.success());
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(least), "{spread:?}: {took:?}");
    }
}

#[test]
fn a_line_that_is_too_long_is_reported_after_the_lines_before_it() {
    let command = ["--max-line", "4", "-"];
    let output = limiter(&command).write_stdin("1234\n12345\n1\n").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"1234\n");
    let message = "rate-limiter: -: line 2 has more than 4 bytes; see --max-line\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), message);
}

#[test]
fn the_version_is_printed() {
    let output = limiter(&["--version"]).output().unwrap();
    let expected = concat!("rate-limiter ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[cfg(unix)]
#[test]
fn too_few_handles_are_reported_in_one_line() {
    let script = "ulimit -n 5; exec \"$0\" -";
    let output = Command::new("sh").args(["-c", script, LIMITER]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("rate-limiter: cannot start: "), "{errors}");
}

#[test]
fn an_invalid_limit_is_a_usage_error_in_one_line() {
    let output = limiter(&["--limit", "0"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("must be at least 1"), "{errors}");
    for (option, value, words) in [
        ("--per", "soon", "soon"),
        ("--per", "0s", "greater than zero"),
        ("--per", "500000000000years", "shorter"),
        ("--max-line", "0", "greater than zero"),
    ] {
        let output = limiter(&[option, value, "-"]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}

#[test]
fn a_missing_file_is_reported_by_name() {
    let output = limiter(&["no-such-file"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("rate-limiter: no-such-file: "), "{errors}");
}
