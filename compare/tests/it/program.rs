//! Tests the program by running it as a user would. The tests check that every lesson gives the
//! correct answer on every runtime, and that the program reports a column with a wrong answer.

use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

use crate::all_measured::{COMPARE, compare, text};

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asserts that all three runtimes returned the correct answer for a lesson.
pub fn assert_same_answers(lesson: &str, runs: &[&Value]) {
    let runtimes: Vec<_> = runs.iter().map(|run| run["runtime"].as_str().unwrap()).collect();
    assert_eq!(runtimes, ["tokio", "async-std", "smol"]);
    for run in runs {
        assert_eq!(run["lesson"], lesson);
        assert_eq!(run["outcome"], "same", "{run:#}");
        assert!(run["wall_ms"].as_f64().unwrap() > 0.0);
        #[cfg(target_os = "linux")]
        for figure in ["cpu_ms", "peak_kib", "threads"] {
            assert!(run[figure].as_f64().unwrap() > 0.0, "{figure} of {run:#}");
        }
    }
    assert_eq!(runs[0]["answer"], runs[1]["answer"]);
    assert_eq!(runs[0]["answer"], runs[2]["answer"]);
}

#[test]
fn json_output_has_one_line_per_run() {
    let output = compare(&["lessons", "guards", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let runs = json_lines(&output.stdout);
    assert_same_answers("guards", &runs.iter().collect::<Vec<_>>());
}

#[test]
fn a_wrong_answer_a_panic_and_a_hang_are_shown_and_the_other_runs_still_take_place() {
    let output = compare(&["lessons", "doubles", "worker-pool", "--timeout", "3s"]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let rows: Vec<_> = table.lines().collect();
    let row = |runtime: &str, words: &str| {
        rows.iter().any(|row| row.contains(runtime) && row.contains(words))
    };
    assert!(row("doubles", "WRONG: 41 instead of 42"), "{table}");
    assert!(row("async-std", "PANIC: this double panics"), "{table}");
    assert!(row("smol", "HANG: killed after 3 s"), "{table}");
    assert_eq!(table.matches(" same ").count(), 3, "{table}");
    assert!(table.contains("6 runs, 3 of them without the correct answer"), "{table}");
}

/// A run of the three doubles. The last one never ends by itself.
#[cfg(unix)]
struct Doubles {
    compare: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
    /// The folder in which `compare` creates the temporary folders for its runs.
    folder: tempfile::TempDir,
}

#[cfg(unix)]
impl Doubles {
    /// Starts the run in a separate process group, as a shell does, and waits until the third
    /// double is running.
    fn start() -> Self {
        use std::os::unix::process::CommandExt;
        let folder = tempfile::tempdir().unwrap();
        let mut compare = std::process::Command::new(COMPARE)
            .args(["lessons", "doubles", "--timeout", "1h", "--json"])
            .env("TMPDIR", folder.path())
            .stdout(std::process::Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = std::io::BufReader::new(compare.stdout.take().unwrap());
        let mut lines = std::io::BufRead::lines(output);
        for _ in 0..2 {
            lines.next().unwrap().unwrap();
        }
        let doubles = Self { compare, lines, folder };
        while doubles.folders() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // For a short time, a new child is still in its parent's process group. Wait until the
        // child is in a separate group.
        #[cfg(target_os = "linux")]
        while !children_of(doubles.compare.id())
            .iter()
            .any(|child| group_of(*child) == Some(*child))
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        doubles
    }

    fn folders(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

#[cfg(unix)]
fn send(signal: &str, target: &str) {
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([signal, "--", target]).status().unwrap().success());
}

/// Returns the process ids of a process's children.
#[cfg(target_os = "linux")]
fn children_of(parent: u32) -> Vec<u32> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| stat(*number, 1) == Some(parent.to_string())).collect()
}

/// Returns the process group of a process.
#[cfg(target_os = "linux")]
fn group_of(process: u32) -> Option<u32> {
    stat(process, 2)?.parse().ok()
}

/// Returns a field of `pid (name) state parent group ...`, counted from the state.
#[cfg(target_os = "linux")]
fn stat(process: u32, field: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name can contain spaces and parentheses, so start after the last parenthesis.
    stat.rsplit(')').next()?.split_whitespace().nth(field).map(Into::into)
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_and_leaves_no_child_and_no_folder() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let mut doubles = Doubles::start();
        #[cfg(target_os = "linux")]
        let children = children_of(doubles.compare.id());
        send(signal, &doubles.compare.id().to_string());
        assert_eq!(doubles.compare.wait().unwrap().code(), Some(status), "{signal}");
        assert_eq!(doubles.folders(), 0, "{signal}: a temporary folder was left behind");
        #[cfg(target_os = "linux")]
        for child in children {
            let is_there = std::path::Path::new(&format!("/proc/{child}")).exists();
            assert!(!is_there, "{signal}: a child was left behind");
        }
    }
}

// A terminal sends the signal to the whole foreground process group. `Doubles::start` waits until
// the child has left that group. Otherwise, the program could notice that the child has ended
// before the program notices the signal.
#[cfg(unix)]
#[test]
fn ctrl_c_in_a_terminal_interrupts_the_run_and_is_not_recorded_as_a_failure() {
    let mut doubles = Doubles::start();
    send("-INT", &format!("-{}", doubles.compare.id()));
    assert_eq!(doubles.lines.by_ref().count(), 0, "no other run should be reported");
    assert_eq!(doubles.compare.wait().unwrap().code(), Some(130));
    assert_eq!(doubles.folders(), 0, "a temporary folder was left behind");
}

#[test]
fn a_wrong_answer_sets_the_exit_status_even_if_nobody_reads_the_output() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut compare = std::process::Command::new(COMPARE);
    compare.args(["lessons", "doubles", "--timeout", "1s", "--json"]).stdout(writer);
    assert_eq!(compare.status().unwrap().code(), Some(1));
}

#[test]
fn children_do_not_inherit_variables_that_configure_a_runtime() {
    let mut compare = Command::new(COMPARE);
    for name in ["SMOL_THREADS", "TOKIO_WORKER_THREADS", "ASYNC_STD_THREAD_COUNT"] {
        compare.env(name, "5");
    }
    compare
        .args(["behaviours", "worker-threads"])
        .timeout(Duration::from_secs(60))
        .assert()
        .success();
}

#[test]
fn without_arguments_all_seven_lessons_run_on_all_three_runtimes() {
    let output = compare(&[]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert_eq!(table.matches(" same ").count(), 21, "{table}");
    assert!(table.contains("21 runs, all answers correct"), "{table}");
}

#[test]
fn code_prints_the_three_source_files_in_columns() {
    let output = compare(&["code", "rate-limiter", "--width", "240"]);
    let text = text(&output.stdout);
    for words in ["sleep_until(grants[0]", "saturating_duration_since", "Timer::at(grants[0]"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
    // Each step begins on the same row in all three columns.
    let steps: Vec<_> = text.lines().filter(|line| line.contains("// step:")).collect();
    assert!(steps.len() >= 3);
    assert!(steps.iter().all(|line| line.matches("// step:").count() == 3), "{steps:#?}");
}

#[test]
fn api_prints_asyncio_and_all_three_runtimes() {
    let output = compare(&["api", "--width", "240"]);
    let text = text(&output.stdout);
    for words in ["asyncio.create_task", "tokio::spawn", "task::spawn", "smol::spawn"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
}

#[test]
fn an_experiment_runs_in_the_root_future_and_in_a_task() {
    let output = compare(&["behaviours", "spawned-before-await", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let rows = json_lines(&output.stdout);
    let fields = |row: &Value| {
        [row["runtime"].clone(), row["asked_from"].clone()].map(|f| f.as_str().unwrap().to_owned())
    };
    let expected = ["tokio", "async-std", "smol"]
        .iter()
        .flat_map(|runtime| ["root", "task"].map(|from| [(*runtime).to_owned(), from.to_owned()]));
    assert!(rows.iter().map(fields).eq(expected), "{rows:#?}");
    // If the two answers differ, both are shown.
    let shown = text(&compare(&["behaviours", "spawned-before-await"]).stdout);
    for words in [
        "tokio     it runs immediately, on another thread\n              in a task: it does not run",
        "async-std it runs immediately, on another thread\n    smol",
    ] {
        assert!(shown.contains(words), "no {words:?} in\n{shown}");
    }
}

#[test]
fn an_answer_that_differs_is_marked_and_the_exit_status_is_1() {
    let output = compare(&["behaviours", "doubles"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for words in [
        "tokio     wrong -- EXPECTED: right\n",
        "async-std the program panics (this double panics) -- EXPECTED: right\n",
        "smol      right\n",
        "not every answer was as expected",
    ] {
        assert!(shown.contains(words), "no {words:?} in\n{shown}");
    }
}

#[test]
fn one_behaviour_is_shown_with_its_reason_and_its_source() {
    let output = compare(&["behaviours", "dropped-handle", "--width", "80"]);
    let shown = text(&output.stdout);
    for words in [
        "A task is spawned, and its handle is dropped immediately.",
        "tokio     the task continues\n",
        "async-std the task continues\n",
        "smol      the task is cancelled\n",
        "Why: smol's `Task` owns",
        "Source: compare/src/behaviours/dropped_handle.rs\n",
        "1 question: every answer was as expected.",
    ] {
        assert!(shown.contains(words), "no {words:?} in\n{shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn a_lesson_selected_by_name_is_shown_with_its_timeline() {
    let output = compare(&["lessons", "worker-pool"]);
    let shown = text(&output.stdout);
    for runtime in ["tokio", "async-std", "smol"] {
        let title = format!("worker-pool on {runtime}, ");
        let (_, after) =
            shown.split_once(&title).unwrap_or_else(|| panic!("no {title:?} in\n{shown}"));
        let rows: Vec<_> = after.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), 10, "{shown}");
        // Three jobs run at a time, so the tenth begins long after the first.
        let start = |row: &str| row.chars().position(|c| c == '\u{2588}').unwrap();
        assert!(start(rows[0]) < start(rows[9]), "{shown}");
    }
    assert!(!text(&compare(&["lessons", "worker-pool", "--json"]).stdout).contains('\u{2588}'));
}

#[test]
fn the_list_of_benches_says_what_is_measured_and_what_is_expected() {
    let list = text(&compare(&["bench", "--list"]).stdout);
    for words in ["ping-pong (quick)\n  Sends a number back", "Expected: Tokio's timer wheel"] {
        assert!(list.contains(words), "no {words:?} in\n{list}");
    }
    assert_eq!(list.matches("Expected: ").count(), 19);
    // The workload `timers` and the two workloads for memory have no control.
    assert_eq!(list.matches("Control: ").count(), 16);
    assert!(list.contains("Control: plain call"), "{list}");
}

#[test]
fn a_bench_is_saved_and_compared_with_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (first, second) = (file("first.json"), file("second.json"));
    // With `--quick`, each runtime is measured with only one number of threads.
    let bench =
        ["bench", "--quick", "--only", "lock-free", "--samples", "2", "--threads", "1", "--save"];
    let output = compare(&[&bench[..], &[&first]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    for words in ["lock-free: Takes a lock", "ns a lock", "tokio", "async-std", "smol", "threads"] {
        assert!(table.contains(words), "no {words:?} in\n{table}");
    }
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&first).unwrap()).unwrap();
    assert_eq!(kept["rows"].as_array().unwrap().len(), 4);
    assert!(
        kept["rows"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["samples"].as_array().unwrap().len() == 2)
    );
    assert_eq!(kept["threads"], 1);
    // A debug build prints a warning.
    assert!(text(&output.stderr).contains("this is a debug build"));

    let output = compare(&[&bench[..], &[&second, "--against", &first]].concat());
    assert!(text(&output.stdout).contains(" figures have changed"), "{}", text(&output.stdout));
    let output = compare(&[&bench[..], &[&second, "--against", "Cargo.toml"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("Cargo.toml: must contain results of `compare bench`"));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_keeps_the_samples_taken_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.json");
    let child = std::process::Command::new(COMPARE)
        .args(["bench", "--only", "lock-free", "--samples", "1000", "--save"])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // A round takes one sample of each runtime and of the control, and another one of each runtime
    // whose default is a different number of threads.
    let mut samples = std::collections::BTreeSet::new();
    while samples.len() <= 2 * 5 {
        samples.extend(children_of(child.id()));
        std::thread::sleep(Duration::from_millis(1));
    }
    send("-INT", &child.id().to_string());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let counts: Vec<_> = kept["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["samples"].as_array().unwrap().len())
        .collect();
    // Only complete rounds count.
    assert!((1..1000).contains(&counts[0]), "{counts:?}");
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

/// Runs `compare cost` with a fake cargo that never ends and that starts another process.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_during_a_build_leaves_no_process_and_no_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (cargo, temporary) = (folder.path().join("cargo"), folder.path().join("tmp"));
    let pids = folder.path().join("pids");
    std::fs::create_dir(&temporary).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = fetch ] && exit 0\nsleep 1000 &\necho $$ $! > '{}'\nwait\n",
        pids.display()
    );
    std::fs::write(&cargo, script).unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut compare = std::process::Command::new(COMPARE)
        .arg("cost")
        .env("CARGO", &cargo)
        .env("TMPDIR", &temporary)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pids = loop {
        let text = std::fs::read_to_string(&pids).unwrap_or_default();
        if text.ends_with('\n') {
            break text;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    send("-TERM", &compare.id().to_string());
    assert_eq!(compare.wait().unwrap().code(), Some(143));
    assert_eq!(
        std::fs::read_dir(&temporary).unwrap().count(),
        0,
        "a temporary folder was left behind"
    );
    // All of these processes have received SIGKILL, and will end as soon as the system runs them.
    for pid in pids.split_whitespace() {
        while is_running(pid) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Returns whether a process exists and is not a zombie.
#[cfg(target_os = "linux")]
fn is_running(pid: &str) -> bool {
    !matches!(stat(pid.parse().unwrap(), 0).as_deref(), None | Some("Z" | "X"))
}

#[test]
fn an_unknown_name_is_a_usage_error() {
    for arguments in [
        &["lessons", "nope"][..],
        &["code", "nope"],
        &["code", "hello", "--runtime", "nope"],
        &["behaviours", "nope"],
        &["bench", "--only", "nope"],
        &["nope"],
    ] {
        let output = compare(arguments);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("nope"), "{errors}");
    }
    let errors = text(&compare(&["lessons", "nope"]).stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("hello, fetch, errors"), "{errors}");
}
