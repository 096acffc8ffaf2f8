//! Tests the program with real commands, processes and signals.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::program::{POOL, kill, pool, text};

/// A folder with a named pipe, through which commands report to the test.
struct Scene {
    folder: TempDir,
    reports: Option<BufReader<File>>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("reports");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        Self { folder, reports: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the program in this folder, with a script as the command. The script gets the line as
    /// `$1`.
    fn start(&self, options: &[&str], script: &str) -> Child {
        self.command(options, script).spawn().unwrap()
    }

    fn command(&self, options: &[&str], script: &str) -> Command {
        let mut command = Command::new(POOL);
        command.args(options).args(["--", "sh", "-c", script, "_"]).current_dir(&self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Waits for the next line that a command writes to the pipe `reports`.
    fn next_report(&mut self) -> String {
        let path = self.path("reports");
        // We also open the pipe for writing, so that it has a writer even if no command has it
        // open.
        let reports = self.reports.get_or_insert_with(|| {
            BufReader::new(File::options().read(true).write(true).open(path).unwrap())
        });
        let mut line = String::new();
        reports.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// Lets the commands that wait for the file `go` continue.
    fn go(&self) {
        File::create(self.path("go")).unwrap();
    }
}

const WAIT: &str = "echo $$ > reports; until [ -e go ]; do sleep 0.02; done";

fn send(child: &Child, signal: &str) {
    assert!(kill(&format!("-{signal}"), &child.id().to_string()));
}

fn write_lines(child: &mut Child, lines: &str) {
    child.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
}

/// Returns the state of a process, as `ps` shows it, or `None` if there is no such process.
fn state(process: &str) -> Option<char> {
    let output = Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    text(&output.stdout).trim().chars().next()
}

fn is_running(process: &str) -> bool {
    state(process).is_some_and(|state| state != 'Z')
}

/// Waits until `is_true` returns true. Fails after a minute.
fn eventually(is_true: impl Fn() -> bool, what: &str) {
    for _ in 0..6000 {
        if is_true() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("{what}");
}

#[test]
fn after_the_first_ctrl_c_no_command_starts_and_dropped_lines_are_reported() {
    let mut scene = Scene::new();
    let mut child = scene.start(&["-w", "2"], &format!("{WAIT}; echo done $1"));
    write_lines(&mut child, "a\nb\nc\nd\n");
    scene.next_report();
    scene.next_report();
    // No event tells us when the program has read the other lines and queued them, so we give it
    // some time.
    sleep(Duration::from_millis(200));
    send(&child, "INT");
    // The program answers immediately, while the commands are still running.
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.contains("starting no more commands, waiting for 2; Ctrl-C again"), "{line}");
    scene.go();
    let output = child.wait_with_output().unwrap();
    let mut printed: Vec<_> = text(&output.stdout).lines().map(String::from).collect();
    printed.sort();
    assert_eq!(printed, ["done a", "done b"]);
    assert_eq!(output.status.code(), Some(130));
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    // The last two lines were probably in the queue. If not, the program has not read them.
    for line in rest.lines() {
        let expected = ["worker-pool: c: not started", "worker-pool: d: not started"];
        assert!(expected.contains(&line), "{rest}");
    }
}

#[test]
fn a_signal_kills_the_commands_and_prints_their_output_so_far() {
    for (signal, status) in [("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let mut scene = Scene::new();
        let script = "echo before; sleep 600 & echo $! > reports; wait";
        let mut child = scene.start(&["-w", "1"], script);
        write_lines(&mut child, "a\n");
        let process = scene.next_report();
        assert!(is_running(&process));
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{signal}");
        assert_eq!(text(&output.stdout), "before\n");
        assert_eq!(text(&output.stderr), "worker-pool: a: killed\n");
        eventually(|| !is_running(&process), "the command has outlived the program");
    }
}

#[test]
fn ctrl_z_stops_the_commands_and_continues_them() {
    use std::os::unix::process::CommandExt;
    let mut scene = Scene::new();
    let mut command = scene.command(&["-w", "2"], &format!("{WAIT}; echo done"));
    // An interactive shell also gives each pipeline its own process group.
    let mut child = command.process_group(0).spawn().unwrap();
    write_lines(&mut child, "a\nb\n");
    let commands = [scene.next_report(), scene.next_report()];
    let program = child.id().to_string();
    send(&child, "TSTP");
    for process in commands.iter().chain([&program]) {
        // A shell that is just starting a program waits for that program (D), which is stopped.
        let is_stopped = || matches!(state(process), Some('T' | 'D'));
        eventually(is_stopped, "Ctrl-Z has not stopped a process");
    }
    send(&child, "CONT");
    for process in commands.iter().chain([&program]) {
        let is_continued = || !matches!(state(process), Some('T'));
        eventually(is_continued, "a process was not continued");
    }
    scene.go();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "done\ndone\n".into()));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_z_is_ignored_if_nothing_could_continue_the_program() {
    let mut scene = Scene::new();
    // If the program runs in a new session, there is no shell above it.
    let mut child = Command::new("setsid");
    child.arg(POOL).args(["--", "sh", "-c", &format!("{WAIT}; echo done"), "_"]);
    child.current_dir(&scene.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = child.spawn() else {
        return eprintln!("skipped: setsid is not installed");
    };
    write_lines(&mut child, "a\n");
    drop(child.stdin.take());
    let command = scene.next_report();
    send(&child, "TSTP");
    scene.go();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), "done\n");
    assert!(!is_running(&command));
}

#[test]
fn a_process_in_the_background_neither_delays_a_job_nor_is_killed() {
    for (status, expected) in [(0, 0), (3, 1)] {
        let mut scene = Scene::new();
        // The background process keeps the command's stdout and stderr open.
        let script = format!("sleep 600 & echo $! > reports; echo printed; exit {status}");
        let mut child = scene.start(&[], &script);
        write_lines(&mut child, "a\n");
        drop(child.stdin.take());
        let process = scene.next_report();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(expected));
        assert_eq!(text(&output.stdout), "printed\n");
        assert!(is_running(&process), "the background process was killed");
        assert!(kill("-KILL", &process));
    }
}

#[test]
fn a_closed_pipe_is_a_failure_and_stops_the_commands() {
    let mut scene = Scene::new();
    let script = "[ $1 != slow ] || { echo $$ > reports; exec sleep 600; }; echo $1";
    let mut child = scene.start(&["-w", "2"], script);
    write_lines(&mut child, "slow\n");
    let slow = scene.next_report();
    drop(child.stdout.take());
    write_lines(&mut child, "a\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = "worker-pool: stdout was closed; commands that did not finish: 1\n";
    assert_eq!(text(&output.stderr), message);
    eventually(|| !is_running(&slow), "the slow command is still running");
}

#[test]
fn output_from_before_a_timeout_is_printed() {
    let script = "echo before; echo why >&2; sleep 600";
    let output = pool(&["--timeout", "300ms", "--", "sh", "-c", script], "a\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "before\n");
    assert_eq!(text(&output.stderr), "why\nworker-pool: a: killed after 300ms\n");
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_waits_for_its_turn_takes_little_memory() {
    let scene = Scene::new();
    // The first result holds back twelve results of 30 MB each. The last command reports the peak
    // memory of the program.
    let script = "case $1 in
        first) until [ -e go ]; do sleep 0.02; done;;
        last) grep VmHWM /proc/$PPID/status > peak; : > go;;
        *) head -c 30000000 /dev/zero;;
    esac";
    let mut child = Command::new(POOL)
        .args(["-w", "4", "--keep-order", "--", "sh", "-c", script, "_"])
        .current_dir(&scene.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines: String = (0..12).map(|n| format!("{n}\n")).collect();
    write_lines(&mut child, &format!("first\n{lines}last\n"));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let peak = fs::read_to_string(scene.path("peak")).unwrap();
    let kibibytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kibibytes < 40 << 10, "{kibibytes} KiB");
}

#[test]
fn a_command_that_prints_too_much_is_stopped_and_fails() {
    let script = "if [ $1 = a ]; then yes; else echo $1; fi";
    let command = ["--max-output", "64K", "--keep-order", "--", "sh", "-c", script, "_"];
    let output = pool(&command, "a\nb\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"y\ny\n") && output.stdout.ends_with(b"b\n"));
    assert!(output.stdout.len() > 64 << 10);
    let message =
        "worker-pool: a: killed because it printed more than 65536 bytes; see --max-output\n";
    assert_eq!(text(&output.stderr), message);
}

#[test]
fn a_command_whose_output_cannot_be_stored_fails_and_is_killed() {
    let script = "if [ $1 = a ]; then yes; else echo $1; fi";
    let output = assert_cmd::Command::new(POOL)
        .args(["--keep-order", "--", "sh", "-c", script, "_"])
        .env("TMPDIR", "/no/such/folder")
        .write_stdin("a\nb\n")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.ends_with(b"b\n"), "a command that prints little needs no file");
    let errors = text(&output.stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.starts_with(
            "worker-pool: a: killed: its output cannot be stored in /no/such/folder: "
        ),
        "{errors}"
    );
}

/// Runs the program with a limit on open files.
fn with_handles(handles: u32, arguments: &str, lines: &str) -> Output {
    assert_cmd::Command::new("sh")
        .args(["-c", &format!("ulimit -n {handles}; exec \"$0\" {arguments}"), POOL])
        .write_stdin(lines)
        .output()
        .unwrap()
}

#[test]
fn with_few_handles_commands_wait_and_none_fails() {
    let lines: String = (0..100).map(|n| format!("{n}\n")).collect();
    for order in ["", "--keep-order"] {
        let output = with_handles(64, &format!("-w 100 {order} -- echo"), &lines);
        assert_eq!(text(&output.stderr), "");
        let mut numbers: Vec<u32> =
            text(&output.stdout).lines().map(|line| line.parse().unwrap()).collect();
        if order.is_empty() {
            numbers.sort();
        }
        assert_eq!(numbers, Vec::from_iter(0..100));
        assert!(output.status.success());
    }
    let output = with_handles(5, "-- echo", "a\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("worker-pool: cannot start: "));
    assert_eq!(text(&output.stderr).lines().count(), 1);
}

#[test]
fn a_line_that_is_too_long_is_reported_and_the_lines_before_it_are_run() {
    let longest = "x".repeat(10);
    let command = ["--max-line", "10", "--", "echo"];
    assert_eq!(text(&pool(&command, &format!("{longest}\n")).stdout), format!("{longest}\n"));
    let output = pool(&command, &format!("a\n{longest}x\nb\n"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "a\n");
    let message = "worker-pool: line 2 of stdin has more than 10 bytes; see --max-line\n";
    assert_eq!(text(&output.stderr), message);
}

#[test]
fn lines_may_end_with_a_nul_byte() {
    let output = pool(&["-0", "-w", "1", "--", "printf", "[%s]"], "a\nb\0c\0d");
    assert_eq!(text(&output.stdout), "[a\nb][c][d]");
}

#[test]
fn a_dry_run_prints_the_commands_and_runs_none() {
    let output = pool(&["--dry-run", "--", "touch", "{.}.mp3", "{#}"], "it's.wav\n/a/b.wav\n");
    assert_eq!(text(&output.stdout), "touch 'it'\\''s.mp3' 1\ntouch /a/b.mp3 2\n");
    assert!(output.status.success());
}

#[test]
fn a_command_that_fails_is_retried() {
    let scene = Scene::new();
    let script = "echo attempt >> $1; echo $(wc -l < $1); [ $(wc -l < $1) = 3 ]";
    for (line, retries, status) in [("a", "2", 0), ("b", "1", 1), ("c", "0", 1)] {
        let mut child = scene.start(&["--retries", retries], script);
        write_lines(&mut child, &format!("{line}\n"));
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{line}");
        // Only the output of the last attempt is printed.
        let attempts = fs::read_to_string(scene.path(line)).unwrap().lines().count();
        assert_eq!(text(&output.stdout).trim(), attempts.to_string());
        assert_eq!(attempts, retries.parse::<usize>().unwrap() + 1);
    }
}

#[test]
fn after_the_first_failure_fail_fast_starts_no_more_commands() {
    let lines: String = (1..100).map(|n| format!("{n}\n")).collect();
    let output = pool(&["-w", "1", "--fail-fast", "--", "sh", "-c", "exit $1", "_"], &lines);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    let (first, rest) = errors.split_once('\n').unwrap();
    assert_eq!(first, "worker-pool: 1: exit status: 1");
    assert!(rest.lines().all(|line| line.ends_with(": not started")), "{errors}");
    assert!(errors.lines().count() < 10, "{errors}");
}

#[test]
fn delay_pauses_before_starting_the_next_command() {
    let script = "date +%s.%N 2>/dev/null";
    let output = pool(&["-w", "4", "--delay", "200ms", "--", "sh", "-c", script], "1\n2\n3\n4\n");
    let starts = text(&output.stdout);
    let mut starts: Vec<f64> = starts.lines().filter_map(|line| line.parse().ok()).collect();
    if starts.len() < 4 {
        return eprintln!("skipped: `date` shows only seconds");
    }
    starts.sort_by(f64::total_cmp);
    // The shell takes longer to run `date` at some times than at others, so we don't expect the
    // full 0.6 s.
    assert!(starts[3] - starts[0] > 0.3, "{starts:?}");
}

#[test]
fn a_script_without_an_interpreter_is_run_by_the_shell() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let script = scene.path("script");
    fs::write(&script, "echo script got $1\n").unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    for program in ["./script", "script"] {
        let mut child = Command::new(POOL)
            .args(["--", program])
            .current_dir(&scene.folder)
            .env("PATH", format!("{}:{}", scene.folder.path().display(), env!("PATH")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        write_lines(&mut child, "a line\n");
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stdout), "script got a line\n", "{program}");
    }
}

#[test]
fn a_program_without_execute_permission_is_skipped_in_path() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    for (folder, mode) in [("one", 0o644), ("two", 0o755)] {
        fs::create_dir(scene.path(folder)).unwrap();
        let script = scene.path(folder).join("script");
        fs::write(&script, format!("echo {folder}\n")).unwrap();
        fs::set_permissions(&script, PermissionsExt::from_mode(mode)).unwrap();
    }
    let path = [scene.path("one"), scene.path("two")].map(|path| path.display().to_string());
    let output = assert_cmd::Command::new(POOL)
        .args(["--", "script"])
        .env("PATH", format!("{}:{}", path.join(":"), env!("PATH")))
        .write_stdin("a\n")
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "two\n", "{}", text(&output.stderr));
}

#[test]
fn a_program_that_disappears_while_others_run_is_an_ordinary_failure() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let program = scene.path("program");
    fs::write(&program, "#!/bin/sh\nrm -f \"$0\"; echo ran\n").unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let output = pool(&["-w", "1", "--", program.to_str().unwrap()], "a\nb\nc\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "ran\n");
    assert_eq!(text(&output.stderr).lines().count(), 2, "{}", text(&output.stderr));
}

#[test]
fn an_empty_command_is_a_usage_error() {
    let output = pool(&["--"], "a\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "worker-pool: there is no command after --\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_wants_the_terminal_fails_instead_of_waiting_forever() {
    let command = format!("echo a | {POOL} -- sh -c 'stty sane < /dev/tty; echo ok'");
    // The command `script` gives the program a terminal.
    let script = Command::new("script").args(["-qec", &command, "/dev/null"]).output();
    let Ok(output) = script else {
        return eprintln!("skipped: script is not installed");
    };
    assert!(text(&output.stdout).contains("a: killed, because it wanted to use the terminal"));
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_the_counts_are_correct_while_the_last_commands_run() {
    let shown = |term: &str| {
        let command = format!("printf '0.3\\n1\\n' | TERM={term} {POOL} -w 2 -- sleep");
        // `script` gives the program a terminal.
        let output = Command::new("script").args(["-qec", &command, "/dev/null"]).output();
        output.ok().map(|output| text(&output.stdout))
    };
    let (Some(xterm), Some(dumb)) = (shown("xterm"), shown("dumb")) else {
        return eprintln!("skipped: script is not installed");
    };
    for counts in ["2 running, 0 done, 0 failed", "1 running, 1 done, 0 failed"] {
        assert!(xterm.contains(counts), "{xterm:?}");
    }
    assert_eq!(dumb, "", "a terminal that cannot move its cursor shows no counts");
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_output_without_a_line_end_stays_visible() {
    let command = format!("seq 3 | TERM=xterm {POOL} -w 1 -- printf 'AB%s'");
    let script = Command::new("script").args(["-qec", &command, "/dev/null"]).output();
    let Ok(output) = script else {
        return eprintln!("skipped: script is not installed");
    };
    let shown = text(&output.stdout);
    for number in 1..=3 {
        assert!(shown.contains(&format!("AB{number}\r\n")), "{shown:?}");
    }
}

#[test]
fn a_message_shows_a_line_safely_and_shortened() {
    let line = format!("\x1b[2J{}", "é".repeat(100));
    let output = pool(&["--", "false"], &format!("{line}\n"));
    let shown = format!("\u{fffd}[2J{}…", "é".repeat(56));
    assert_eq!(text(&output.stderr), format!("worker-pool: {shown}: exit status: 1\n"));
}

#[test]
fn the_version_and_invalid_options_start_no_command() {
    let output = pool(&["--version"], "");
    assert_eq!(text(&output.stdout), concat!("worker-pool ", env!("CARGO_PKG_VERSION"), "\n"));
    for (option, value, reason) in [
        ("--timeout", "0s", "greater than zero"),
        ("--timeout", "18446744073709551615s", "shorter"),
        ("--max-output", "1.5G", "whole number"),
        ("--max-line", "0", "greater than zero"),
        ("--max-line", "\x1b[2J", "'\u{fffd}[2J'"),
    ] {
        let output = pool(&[option, value, "--", "echo"], "");
        assert_eq!(output.status.code(), Some(2), "{option} {value}");
        assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
    }
}
