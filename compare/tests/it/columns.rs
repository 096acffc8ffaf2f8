//! Tests how a lesson's columns handle failures that do not occur in a normal run of `compare`.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use compare::serve::Stage;
use serde_json::{Value, json};

use crate::all_measured::{COMPARE, text};

/// Runs a lesson as `compare` does, and returns its answer.
fn answer(lesson: &str, runtime: &str, arguments: &[&str], input: &Value) -> Value {
    let mut compare = Command::new(COMPARE);
    compare.args(["child", lesson, runtime]).args(arguments).write_stdin(input.to_string());
    let output = compare.output().unwrap();
    assert!(output.status.success(), "{runtime}: {}", text(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["answer"].clone()
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

// The last write fails in the background. On Tokio, `sync_all` alone does not report that failure.
#[cfg(unix)]
#[test]
fn a_file_that_does_not_fit_on_the_disk_is_not_renamed_into_place() {
    let stage = Stage::start().unwrap();
    for runtime in ["tokio", "async-std", "smol"] {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"]
            .map(|name| json!({ "name": name, "url": stage.url(&format!("file/{name}/1000000")) }));
        let input = json!({ "files": files, "folder": folder.path(), "at_once": 2 });
        let answer = answer("downloads", runtime, &["--file-limit", "999999"], &input);
        assert_eq!(answer["saved"], json!([null, null]), "{runtime}");
        assert_eq!(names_in(folder.path()), Vec::<String>::new(), "{runtime}");
    }
}

#[test]
fn files_whose_names_differ_only_in_their_extension_do_not_share_a_partial_file() {
    let stage = Stage::start().unwrap();
    for runtime in ["tokio", "async-std", "smol"] {
        let folder = tempfile::tempdir().unwrap();
        let files = ["file.txt", "file.zip"]
            .map(|name| json!({ "name": name, "url": stage.url(&format!("file/{name}/1000000")) }));
        let input = json!({ "files": files, "folder": folder.path(), "at_once": 2 });
        let answer = answer("downloads", runtime, &[], &input);
        assert_eq!(answer["saved"], json!([1_000_000, 1_000_000]), "{runtime}");
        for name in ["file.txt", "file.zip"] {
            let contents = fs::read(folder.path().join(name)).unwrap();
            let is_complete = contents == compare::serve::contents(name, 1_000_000);
            assert!(is_complete, "{runtime}: {name} is not complete");
        }
    }
}
