//! Measures everything once, for several tests that use the results.
//!
//! Tests start in the order of their names. This module comes first and `report` comes nearly last,
//! so the measurement starts early, and the tests that wait for it start late.

use std::fs;
use std::process::Output;
use std::sync::LazyLock;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

pub const COMPARE: &str = env!("CARGO_BIN_EXE_compare");

/// Runs the program and returns its output.
pub fn compare(arguments: &[&str]) -> Output {
    let mut command = Command::new(COMPARE);
    command.args(arguments).timeout(Duration::from_secs(180)).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The results that `compare report` measured, and the page that it wrote.
pub struct Measured {
    pub page: String,
    /// One object for each run of a lesson.
    pub lessons: Vec<Value>,
    /// One object for each run of an experiment.
    pub behaviours: Vec<Value>,
    /// The text that the program wrote to stderr.
    pub messages: String,
    /// Whether the exit status was 0.
    pub is_right: bool,
}

/// The results of `compare report`, which measures the lessons and the behaviours. We run two
/// benches before that, so that the report finds their results.
pub static MEASURED: LazyLock<Measured> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let bench = ["bench", "--only", "start-stop,lock-free", "--samples", "2", "--save"];
    let output = compare(&[&bench[..], &[&path("bench.json")]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = path("page.html");
    let output = compare(&["report", "--from", &path(""), "-o", &page]);
    let (messages, is_right) = (text(&output.stderr), output.status.success());
    let kept = |name: &str| {
        let kept =
            fs::read_to_string(path(name)).unwrap_or_else(|_| panic!("no {name}: {messages}"));
        let kept: Value = serde_json::from_str(&kept).unwrap();
        kept["result"].as_array().unwrap().clone()
    };
    let (lessons, behaviours) = (kept("lessons.json"), kept("behaviours.json"));
    Measured { page: fs::read_to_string(page).unwrap(), lessons, behaviours, messages, is_right }
});

#[test]
fn the_report_measures_missing_results_and_says_so() {
    let messages = &MEASURED.messages;
    assert!(messages.contains("running the lessons"), "{messages}");
    assert!(messages.contains("for the behaviours"), "{messages}");
    assert!(messages.contains("compare cost"), "{messages}");
    assert!(!messages.contains("quick benches"), "{messages}");
    assert!(MEASURED.is_right, "{messages}");
}
