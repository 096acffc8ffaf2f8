//! Starts the program as a user would.

use std::process::Output;

use assert_cmd::Command;

pub const POOL: &str = env!("CARGO_BIN_EXE_worker-pool");

pub fn pool(arguments: &[&str], input: &str) -> Output {
    Command::new(POOL)
        .args(arguments)
        .write_stdin(input)
        .timeout(std::time::Duration::from_secs(30))
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_demo_runs_ten_jobs_on_three_workers() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let output = pool(&["--timeline-svg", picture.to_str().unwrap()], "");
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for (number, square) in (1..=10).map(|n| (n, n * n)) {
        assert!(
            lines.contains(&format!("job {number:>2} returns {square:>3}, run by worker")),
            "{lines}"
        );
    }
    for worker in 1..=3 {
        assert!(lines.contains(&format!("run by worker {worker}")), "{lines}");
    }
    assert!(lines.contains("job 11: the job panicked: a bug in job 11"), "{lines}");
    assert!(lines.contains("workers still running: {1, 2, 3}"), "{lines}");
    // Each worker has a lane in the timeline, and is busy most of the time.
    for worker in 1..=3 {
        let lane =
            lines.lines().find(|line| line.starts_with(&format!("worker {worker}"))).unwrap();
        assert!(lane.matches('█').count() > 30, "{lines}");
    }
    assert!(std::fs::read_to_string(picture).unwrap().contains("worker 3"));
}

#[cfg(unix)]
#[test]
fn a_command_runs_once_for_every_line() {
    let output = pool(&["-w", "2", "--", "echo", "got", "{}"], "one\ntwo words\n$HOME\n");
    let mut lines: Vec<_> = text(&output.stdout).lines().map(String::from).collect();
    lines.sort();
    assert_eq!(
        lines,
        ["got $HOME", "got one", "got two words"],
        "no shell may interpret the lines"
    );
    assert!(output.status.success());
}

#[cfg(unix)]
#[test]
fn the_outputs_of_two_commands_are_not_mixed() {
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
fn a_command_that_fails_is_reported_and_the_others_still_run() {
    let output = pool(&["--", "sh", "-c", "echo ran; [ {} != bad ]"], "good\nbad\ngood\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "ran\nran\nran\n");
    assert_eq!(text(&output.stderr), "worker-pool: bad: exit status: 1\n");
}

#[test]
fn a_command_that_does_not_exist_is_reported_only_once() {
    let input = "one\ntwo\nthree\n".repeat(100);
    let output = pool(&["--", "no-such-command"], &input);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("worker-pool: no-such-command: "), "{errors}");
}

#[test]
fn zero_workers_are_a_usage_error_in_one_line() {
    let output = pool(&["-w", "0"], "");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "worker-pool: a pool needs at least one worker: with none, no job would ever run\n"
    );
    assert_eq!(pool(&["-w", "many"], "").status.code(), Some(2));
    assert_eq!(pool(&["-w", "99999999999"], "").status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn keep_order_prints_in_the_order_of_the_lines() {
    let script = "sleep 0.{}; echo {}";
    let output = pool(&["-w", "4", "--keep-order", "--", "sh", "-c", script], "4\n1\n3\n2\n");
    assert_eq!(text(&output.stdout), "4\n1\n3\n2\n");
}

#[cfg(unix)]
#[test]
fn a_command_that_times_out_is_killed_and_reported() {
    let script = "if [ {} = slow ]; then sleep 600 & wait; fi; echo {}";
    let output = pool(&["--timeout", "500ms", "--", "sh", "-c", script], "slow\nfast\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "fast\n");
    assert_eq!(text(&output.stderr), "worker-pool: slow: killed after 500ms\n");
}

#[cfg(unix)]
#[test]
fn a_line_that_is_not_utf8_is_passed_on_byte_for_byte() {
    let output = Command::new(POOL)
        .args(["--", "printf", "%s"])
        .write_stdin(b"caf\xe9\n".as_slice())
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"caf\xe9");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A program that runs one job. The job starts a process, which reports its ID through a named
/// pipe.
#[cfg(unix)]
struct Interrupted {
    folder: std::path::PathBuf,
    program: std::process::Child,
    input: std::process::ChildStdin,
    /// The ID of the process that the job has started.
    job: String,
}

#[cfg(unix)]
impl Interrupted {
    /// Starts the program with one job, and returns when the job is running.
    fn start(name: &str) -> Self {
        use std::io::{BufRead, BufReader, Write};
        use std::process::Stdio;

        let folder =
            std::env::temp_dir().join(format!("worker-pool-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let fifo = folder.join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // The job waits for its own child, which waits until the file `go` appears, or forever.
        let script = format!(
            "[ {{}} = first ] || {{ echo more; exit; }}
             sh -c 'echo $$ > {0}; until [ -e {1} ]; do sleep 0.02; done' & wait; echo done",
            fifo.display(),
            folder.join("go").display()
        );
        let mut program = std::process::Command::new(POOL)
            .args(["-w", "1", "--", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Stdin stays open, so the program is waiting for more lines when the signal arrives.
        let mut input = program.stdin.take().unwrap();
        writeln!(input, "first").unwrap();
        let mut job = String::new();
        BufReader::new(std::fs::File::open(&fifo).unwrap()).read_line(&mut job).unwrap();
        Self { folder, program, input, job: job.trim().into() }
    }

    fn interrupt(&self) {
        assert!(kill("-INT", &self.program.id().to_string()));
    }

    /// Returns whether the process that the job has started is still running, and not a zombie.
    fn job_runs(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.job));
        let zombie = stat.is_ok_and(|stat| stat.contains(") Z "));
        kill("-0", &self.job) && !zombie
    }

    fn end(self) -> (Option<i32>, String) {
        let output = self.program.wait_with_output().unwrap();
        drop(self.input);
        std::fs::remove_dir_all(self.folder).unwrap();
        (output.status.code(), text(&output.stdout))
    }
}

#[cfg(unix)]
pub fn kill(signal: &str, process: &str) -> bool {
    let output = std::process::Command::new("kill").args([signal, process]).output();
    output.unwrap().status.success()
}

#[cfg(unix)]
#[test]
fn after_the_first_ctrl_c_no_more_lines_are_read_and_running_commands_finish() {
    use std::io::Write;
    let mut scene = Interrupted::start("first");
    scene.interrupt();
    // No event tells us that the program has stopped reading lines, so we give it some time to
    // stop.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let _ = writeln!(scene.input, "second");
    assert!(scene.job_runs(), "the signal must not reach the job");
    std::fs::File::create(scene.folder.join("go")).unwrap();
    assert_eq!(scene.end(), (Some(130), "done\n".into()));
}

#[cfg(unix)]
#[test]
fn the_second_ctrl_c_kills_running_commands_and_their_children() {
    let scene = Interrupted::start("second");
    scene.interrupt();
    // Two signals in quick succession may arrive as one.
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(scene.job_runs());
    scene.interrupt();
    let gone = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        !scene.job_runs()
    });
    assert!(gone, "the job's child is still running");
    assert_eq!(scene.end(), (Some(130), String::new()));
}
