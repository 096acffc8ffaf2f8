//! One run of everything that several tests look at, so that it is measured only once.

use std::fs;
use std::path::Path;
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
}

/// A report on all lessons and behaviours, which are measured for it, and on two benches of an earlier
/// run.
pub static MEASURED: LazyLock<Measured> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let bench = ["bench", "--only", "lock-free,http-hyper", "--samples", "2", "--save"];
    let output = compare(&[&bench[..], &[&path("bench.json")]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = path("page.html");
    let output = compare(&["report", "--from", &path(""), "-o", &page]);
    let told = text(&output.stderr);
    // What is missing is measured, and the program says so.
    assert!(told.contains("running the lessons") && told.contains("for the behaviours"), "{told}");
    assert!(told.contains("compare cost"), "{told}");
    assert!(!told.contains("quick benches"), "{told}");
    let kept = |name: &str| {
        assert!(Path::new(&path(name)).is_file(), "{name} was not kept");
        let kept: Value = serde_json::from_str(&fs::read_to_string(path(name)).unwrap()).unwrap();
        kept["result"].as_array().unwrap().clone()
    };
    let (lessons, behaviours) = (kept("lessons.json"), kept("behaviours.json"));
    let wrong: Vec<_> = behaviours.iter().filter(|o| o["is_as_expected"] != true).collect();
    assert!(output.status.success(), "{told}\n{wrong:#?}");
    Measured { page: fs::read_to_string(page).unwrap(), lessons, behaviours }
});
