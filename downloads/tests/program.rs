//! The program, started as a user would.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod server;

use std::process::Output;

use assert_cmd::Command;
use server::{contents, names_in};

const DOWNLOADS: &str = env!("CARGO_BIN_EXE_downloads");

async fn downloads(arguments: &[&str]) -> Output {
    let mut command = Command::new(DOWNLOADS);
    // A proxy in the environment is not for this machine.
    command.args(arguments).env("NO_PROXY", "127.0.0.1");
    command.timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn without_arguments_it_downloads_four_files_at_once() {
    let output = downloads(&[]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(lines.lines().count(), 4, "{lines}");
    for name in ["alpha", "beta", "gamma", "delta"] {
        assert!(lines.contains(&format!("saved {name}.bin (262144 bytes")), "{lines}");
    }
    // `1.91 s together; one after another 6.31 s`
    let errors = text(&output.stderr);
    let numbers = errors.split(' ').filter_map(|word| word.parse().ok());
    let [together, apart]: [f64; 2] = numbers.collect::<Vec<_>>().try_into().unwrap();
    assert!(together < apart, "{errors}");
}

#[tokio::test]
async fn it_saves_each_url_under_its_name() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let output =
        downloads(&["-d", path, &format!("{root}/one.bin"), &format!("{root}/two.bin?x=1")]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(names_in(folder.path()), ["one.bin", "two.bin"]);
    assert_eq!(std::fs::read(folder.path().join("one.bin")).unwrap(), contents("one.bin"));
}

#[tokio::test]
async fn a_failure_is_named_and_the_others_are_saved() {
    let (root, _) = server::files().await;
    let broken = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let output = downloads(&["-d", path, &format!("{broken}/bad"), &format!("{root}/good")]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(names_in(folder.path()), ["good"]);
    let errors = text(&output.stderr);
    assert!(errors.contains(&format!("downloads: {broken}/bad: ")), "{errors}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_failure_is_told_even_where_nobody_reads_stdout() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(DOWNLOADS)
        .args(["-d", folder.path().to_str().unwrap()])
        .args([format!("{root}/good"), format!("{root}/status/404")])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("404"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_wrong_call_is_told_in_one_line_before_anything_starts() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("here"), "already").unwrap();
    let (here, left) = (format!("{root}/here"), format!("{root}/left"));
    std::fs::write(folder.path().join("left.part"), "of another run").unwrap();
    let good = format!("{root}/good");
    let not_a_folder = format!("{path}/here");
    let (part, upper) = (format!("{good}.part"), format!("{root}/GOOD"));
    for (arguments, words) in [
        (vec!["-d", path, &good, "nonsense"], "nonsense: not a URL"),
        (vec!["-d", path, &good, "ftp://127.0.0.1/x"], "not an http or https URL"),
        (vec!["-d", path, &good, &good], "in the way of"),
        (vec!["-d", path, &good, &upper], "in the way of"),
        (vec!["-d", path, &good, &part], "in the way of"),
        (vec!["-d", path, &good, &here], "is there already"),
        (vec!["-d", path, &good, &left], "left.part is there: remove it"),
        (vec!["-d", "/nonexistent/folder", &good], "/nonexistent/folder: cannot write"),
        (vec!["-d", &not_a_folder, &good], "cannot write to this folder"),
    ] {
        let output = downloads(&arguments).await;
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains(words), "{errors}");
        assert_eq!(names_in(folder.path()), ["here", "left.part"]);
    }
    assert_eq!(downloads(&["-j", "0", &good]).await.status.code(), Some(2));
}

#[tokio::test]
async fn force_replaces_a_file_that_is_there() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("here");
    std::fs::write(&path, "already").unwrap();
    let folder = folder.path().to_str().unwrap();
    let output = downloads(&["--force", "-d", folder, &format!("{root}/here")]).await;
    assert!(output.status.success());
    assert_eq!(std::fs::read(path).unwrap(), contents("here"));
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_with_130_and_leaves_nothing_behind() {
    let root = server::breaks_off(true).await;
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(DOWNLOADS)
        .args(["-d", folder.path().to_str().unwrap(), &format!("{root}/file")])
        .spawn()
        .unwrap();
    server::appears(&folder.path().join("file.part")).await;
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(names_in(folder.path()), [""; 0]);
}
