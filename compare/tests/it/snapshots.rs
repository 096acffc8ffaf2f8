//! Compares the program's output, at widths of 80 and of 200 characters, with snapshots.
//!
//! After an intended change, run `UPDATE_SNAPSHOTS=1 cargo test -p compare --test it snapshots`,
//! and review the changed snapshots with `git diff`.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

/// Asserts that the program prints the contents of this snapshot.
fn assert_prints(file: &str, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_compare")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(file);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &printed).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differs = printed.lines().zip(expected.lines()).find(|(printed, kept)| printed != kept);
    assert!(printed == expected, "{file}: first difference: {differs:#?}");
}

#[test]
fn code_at_80_characters_is_printed_step_by_step() {
    assert_prints("code-hello-80.txt", &["code", "hello", "--width", "80"]);
}

#[test]
fn code_at_200_characters_is_printed_in_columns() {
    assert_prints("code-hello-200.txt", &["code", "hello", "--width", "200"]);
}

#[test]
fn columns_are_selected_by_name() {
    let arguments = ["code", "worker-pool", "--runtime", "tokio,smol", "--width", "200"];
    assert_prints("code-worker-pool-two-200.txt", &arguments);
}

#[test]
fn api_at_80_characters_is_a_list() {
    assert_prints("api-80.txt", &["api", "--width", "80"]);
}

#[test]
fn api_at_200_characters_is_a_table() {
    assert_prints("api-200.txt", &["api", "--width", "200"]);
}
