//! One run of everything that several tests look at, so that it is measured only once. The name of this
//! module is the first and that of `report` nearly the last, so that the measuring begins first, and the
//! tests that wait for it come late.

use std::fs;
use std::process::Output;
use std::sync::LazyLock;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

pub const COMPARE: &str = env!("CARGO_BIN_EXE_compare");

/// Runs the program to its end.
pub fn compare(arguments: &[&str]) -> Output {
    let mut command = Command::new(COMPARE);
    command.args(arguments).timeout(Duration::from_secs(180)).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `compare report` has measured, and the page it has written.
pub struct Measured {
    pub page: String,
    /// One for each run of a lesson.
    pub lessons: Vec<Value>,
    /// One for each time a question was asked.
    pub behaviours: Vec<Value>,
    /// What the program wrote to stderr.
    pub told: String,
    /// Whether it ended with success.
    pub is_right: bool,
}

/// A report on all lessons and behaviours, which are measured for it, and on two benches of an earlier
/// run.
pub static MEASURED: LazyLock<Measured> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let bench = ["bench", "--only", "start-stop,lock-free", "--samples", "2", "--save"];
    let output = compare(&[&bench[..], &[&path("bench.json")]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = path("page.html");
    let output = compare(&["report", "--from", &path(""), "-o", &page]);
    let (told, is_right) = (text(&output.stderr), output.status.success());
    let kept = |name: &str| {
        let kept = fs::read_to_string(path(name)).unwrap_or_else(|_| panic!("no {name}: {told}"));
        let kept: Value = serde_json::from_str(&kept).unwrap();
        kept["result"].as_array().unwrap().clone()
    };
    let (lessons, behaviours) = (kept("lessons.json"), kept("behaviours.json"));
    Measured { page: fs::read_to_string(page).unwrap(), lessons, behaviours, told, is_right }
});

#[test]
fn the_report_measures_missing_results_and_says_so() {
    let told = &MEASURED.told;
    assert!(told.contains("running the lessons") && told.contains("for the behaviours"), "{told}");
    assert!(told.contains("compare cost"), "{told}");
    assert!(!told.contains("quick benches"), "{told}");
    assert!(MEASURED.is_right, "{told}");
}
