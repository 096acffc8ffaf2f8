//! The program, started as a user would: every lesson on every runtime keeps its contract, and a
//! column that does not is told.

use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;

const COMPARE: &str = env!("CARGO_BIN_EXE_compare");

fn compare(arguments: &[&str]) -> Output {
    let mut command = Command::new(COMPARE);
    command.args(arguments).timeout(Duration::from_secs(120)).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs one lesson and asserts that all three runtimes gave the one right answer.
fn keeps_its_contract(lesson: &str) {
    let output = compare(&["lessons", lesson, "--json"]);
    let lines = text(&output.stdout);
    let runs: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let runtimes: Vec<_> = runs.iter().map(|run| run["runtime"].as_str().unwrap()).collect();
    assert_eq!(runtimes, ["tokio", "async-std", "smol"]);
    for run in &runs {
        assert_eq!(run["lesson"], lesson);
        assert_eq!(run["outcome"], "same", "{run:#}\n{}", text(&output.stderr));
        assert!(run["wall_ms"].as_f64().unwrap() > 0.0);
        #[cfg(target_os = "linux")]
        for figure in ["cpu_ms", "peak_kib", "threads"] {
            assert!(run[figure].as_f64().unwrap() > 0.0, "{figure} of {run:#}");
        }
    }
    assert_eq!(runs[0]["answer"], runs[1]["answer"]);
    assert_eq!(runs[0]["answer"], runs[2]["answer"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn hello_keeps_its_contract_on_all_three() {
    keeps_its_contract("hello");
}

#[test]
fn fetch_keeps_its_contract_on_all_three() {
    keeps_its_contract("fetch");
}

#[test]
fn errors_keeps_its_contract_on_all_three() {
    keeps_its_contract("errors");
}

#[test]
fn guards_keeps_its_contract_on_all_three() {
    keeps_its_contract("guards");
}

#[test]
fn downloads_keeps_its_contract_on_all_three() {
    keeps_its_contract("downloads");
}

#[test]
fn rate_limiter_keeps_its_contract_on_all_three() {
    keeps_its_contract("rate-limiter");
}

#[test]
fn worker_pool_keeps_its_contract_on_all_three() {
    keeps_its_contract("worker-pool");
}

#[test]
fn a_wrong_answer_a_panic_and_a_hang_are_told_and_the_rest_still_runs() {
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
    assert!(table.contains("6 runs, 3 of them not as they should be"), "{table}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_run_and_clears_its_folder_away() {
    let folder = std::env::temp_dir().join(format!("compare-test-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let entries = || std::fs::read_dir(&folder).unwrap().count();
    // The third double never ends by itself.
    let mut child = std::process::Command::new(COMPARE)
        .args(["lessons", "doubles", "--timeout", "1h"])
        .env("TMPDIR", &folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while entries() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(entries(), 0, "its folder was left behind");
    std::fs::remove_dir(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn ctrl_c_of_a_terminal_reaches_the_run_as_well_and_is_no_failure_of_it() {
    use std::os::unix::process::CommandExt;
    let child = std::process::Command::new(COMPARE)
        .args(["lessons", "doubles", "--timeout", "1h", "--json"])
        .stdout(std::process::Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    // The second double has ended when its line is out, and the third never does.
    let mut child = child;
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for _ in 0..2 {
        lines.next().unwrap().unwrap();
    }
    std::thread::sleep(Duration::from_millis(200));
    let group = format!("-{}", child.id());
    let kill = std::process::Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(kill.unwrap().success());
    assert_eq!(lines.count(), 0, "no further run is told of");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_wrong_answer_counts_also_when_nobody_reads_on() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut compare = std::process::Command::new(COMPARE);
    compare.args(["lessons", "doubles", "--timeout", "1s", "--json"]).stdout(writer);
    assert_eq!(compare.status().unwrap().code(), Some(1));
}

#[test]
fn variables_that_speak_to_the_runtimes_are_not_handed_on() {
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
fn without_arguments_it_runs_all_seven_lessons_on_all_three() {
    let output = compare(&[]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert_eq!(table.matches(" same ").count(), 21, "{table}");
    assert!(table.contains("21 runs, every answer as it should be"), "{table}");
}

#[test]
fn code_prints_the_three_sources_line_by_line() {
    let output = compare(&["code", "rate-limiter", "--width", "240"]);
    let text = text(&output.stdout);
    for words in ["sleep_until(grants[0]", "saturating_duration_since", "Timer::at(grants[0]"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
    // Each step begins in all three columns on one row.
    let steps: Vec<_> = text.lines().filter(|line| line.contains("// step:")).collect();
    assert!(steps.len() >= 3);
    assert!(steps.iter().all(|line| line.matches("// step:").count() == 3), "{steps:#?}");
}

#[test]
fn api_prints_how_each_spells_it() {
    let output = compare(&["api", "--width", "240"]);
    let text = text(&output.stdout);
    for words in ["asyncio.create_task", "tokio::spawn", "task::spawn", "smol::spawn"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
}

#[test]
fn every_behaviour_is_as_expected_on_all_three() {
    let output = compare(&["behaviours", "--json"]);
    let lines = text(&output.stdout);
    let mut behaviours = std::collections::BTreeSet::new();
    for line in lines.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["is_as_expected"], true, "{row:#}");
        assert_eq!(row["seen"]["answer"], row["expected"], "{row:#}");
        behaviours.insert((row["behaviour"].to_string(), row["runtime"].to_string()));
    }
    assert_eq!(behaviours.len(), 3 * 22);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_answer_that_differs_is_marked_and_the_exit_status_is_1() {
    let output = compare(&["behaviours", "doubles"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for words in [
        "tokio     wrong -- EXPECTED: right\n",
        "async-std the program panics (this double panics) -- EXPECTED: right\n",
        "smol      right\n",
        "Not all as expected.",
    ] {
        assert!(told.contains(words), "no {words:?} in\n{told}");
    }
}

#[test]
fn one_behaviour_is_told_with_its_reason_and_its_source() {
    let output = compare(&["behaviours", "dropped-handle", "--width", "80"]);
    let told = text(&output.stdout);
    for words in [
        "A task is spawned, and its handle dropped at once.",
        "tokio     the task goes on\n",
        "async-std the task goes on\n",
        "smol      the task is cancelled\n",
        "Why: smol's Task",
        "Source: compare/src/behaviours/dropped_handle.rs\n",
        "1 question. All as expected.",
    ] {
        assert!(told.contains(words), "no {words:?} in\n{told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
}

#[test]
fn a_lesson_asked_for_by_name_comes_with_its_timeline() {
    let output = compare(&["lessons", "worker-pool"]);
    let told = text(&output.stdout);
    for runtime in ["tokio", "async-std", "smol"] {
        let title = format!("worker-pool on {runtime}, ");
        let (_, after) =
            told.split_once(&title).unwrap_or_else(|| panic!("no {title:?} in\n{told}"));
        let rows: Vec<_> = after.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), 10, "{told}");
        // Three at once: the tenth begins when others have long ended.
        let start = |row: &str| row.chars().position(|c| c == '\u{2588}').unwrap();
        assert!(start(rows[0]) < start(rows[9]), "{told}");
    }
    assert!(!text(&compare(&["lessons", "worker-pool", "--json"]).stdout).contains('\u{2588}'));
}

#[test]
fn the_list_of_benches_says_what_is_measured_and_what_is_expected() {
    let list = text(&compare(&["bench", "--list"]).stdout);
    for words in ["ping-pong (quick)\n  Two tasks that send", "Expected: Tokio's wheel"] {
        assert!(list.contains(words), "no {words:?} in\n{list}");
    }
    assert_eq!(list.matches("Expected: ").count(), 19);
    // Timers and memory have none.
    assert_eq!(list.matches("Control: ").count(), 16);
    assert!(list.contains("Control: plain call"), "{list}");
}

#[test]
fn a_bench_is_run_kept_and_held_against_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (first, second) = (file("first.json"), file("second.json"));
    // Quick: with no rows for those who take another number of threads by themselves.
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
    // This is a debug build, and it says so.
    assert!(text(&output.stderr).contains("no release build"));

    let output = compare(&[&bench[..], &[&second, "--against", &first]].concat());
    assert!(text(&output.stdout).contains(" figures have changed"), "{}", text(&output.stdout));
    let output = compare(&[&bench[..], &[&second, "--against", "Cargo.toml"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("Cargo.toml: these are no results of `compare bench`"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.json");
    let child = std::process::Command::new(COMPARE)
        .args(["bench", "--only", "lock-free", "--samples", "1000", "--save"])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
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
    // Whole rounds only, and those that were over.
    assert!(counts.iter().all(|count| *count == counts[0] && *count < 1000), "{counts:?}");
}

#[test]
fn what_is_not_known_is_a_wrong_call() {
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
