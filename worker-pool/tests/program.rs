//! The program, started as a user would.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::Output;

use assert_cmd::Command;

const POOL: &str = env!("CARGO_BIN_EXE_worker-pool");

fn pool(arguments: &[&str], input: &str) -> Output {
    Command::new(POOL)
        .args(arguments)
        .write_stdin(input)
        .timeout(std::time::Duration::from_secs(30))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_arguments_ten_jobs_run_on_three_workers() {
    let output = pool(&[], "");
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for (number, square) in (1..=10).map(|n| (n, n * n)) {
        assert!(
            lines.contains(&format!("job {number:>2} gives {square:>3}, by worker")),
            "{lines}"
        );
    }
    for worker in 1..=3 {
        assert!(lines.contains(&format!("by worker {worker}")), "{lines}");
    }
    assert!(lines.contains("job 11: the job panicked: a bug in job 11"), "{lines}");
    assert!(lines.contains("no worker died of it"), "{lines}");
}

#[cfg(unix)]
#[test]
fn a_command_runs_once_for_every_line() {
    let output = pool(&["-w", "2", "--", "echo", "got", "{}"], "one\ntwo words\n$HOME\n");
    let mut lines: Vec<_> = text(&output.stdout).lines().map(String::from).collect();
    lines.sort();
    assert_eq!(lines, ["got $HOME", "got one", "got two words"], "no shell has touched them");
    assert!(output.status.success());
}

#[cfg(unix)]
#[test]
fn what_one_job_prints_is_not_mixed_with_another() {
    let input: String = (0..20).map(|n| format!("{n}\n")).collect();
    let script = "for i in 1 2 3 4 5; do echo {}; done";
    let output = pool(&["-w", "8", "--", "sh", "-c", script], &input);
    let lines = text(&output.stdout);
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 100);
    for block in lines.chunks(5) {
        assert!(block.iter().all(|line| *line == block[0]), "{block:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_is_named_and_the_others_run() {
    let output = pool(&["--", "sh", "-c", "echo ran; [ {} != bad ]"], "good\nbad\ngood\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "ran\nran\nran\n");
    assert_eq!(text(&output.stderr), "worker-pool: bad: exit status: 1\n");
}

#[test]
fn a_command_that_does_not_exist_is_one_clear_error() {
    let input = "one\ntwo\nthree\n".repeat(100);
    let output = pool(&["--", "no-such-command"], &input);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("worker-pool: no-such-command: "), "{errors}");
}

#[test]
fn zero_workers_are_a_wrong_call_told_in_one_line() {
    let output = pool(&["-w", "0"], "");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "worker-pool: a pool of zero workers would never run a job\n");
    assert_eq!(pool(&["-w", "many"], "").status.code(), Some(2));
    assert_eq!(pool(&["-w", "99999999999"], "").status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_130_and_kills_what_runs() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;

    let mut child = std::process::Command::new(POOL)
        // The job says its process number where we can read it: on a pipe of its own.
        .args(["-w", "1", "--", "sh", "-c", "echo $$ > {}; exec sleep 600"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let folder = std::env::temp_dir().join(format!("worker-pool-{}", child.id()));
    std::fs::create_dir(&folder).unwrap();
    let fifo = folder.join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());

    // Stdin stays open: the program waits for more when the signal comes.
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", fifo.display()).unwrap();
    let mut job = String::new();
    BufReader::new(std::fs::File::open(&fifo).unwrap()).read_line(&mut job).unwrap();

    let kill = |signal: &str, pid: &str| {
        std::process::Command::new("kill").args([signal, pid]).output().unwrap().status.success()
    };
    assert!(kill("-0", job.trim()), "the job runs");
    assert!(kill("-INT", &child.id().to_string()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // Killed, it is gone once the system has buried it, which nobody here can wait for.
    let gone = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        !kill("-0", job.trim())
    });
    assert!(gone, "the job was left behind");
    drop(input);
    std::fs::remove_dir_all(folder).unwrap();
}
