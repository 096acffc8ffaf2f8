//! The program, started as a user would.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod database;

use std::process::Output;

use assert_cmd::Command;
use database::Database;

const GUARDS: &str = env!("CARGO_BIN_EXE_guards");

async fn guards(arguments: &[&str]) -> Output {
    let mut command = Command::new(GUARDS);
    command.args(arguments).timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asserts a failure told in one line that holds all of `words`.
fn assert_one_line(output: &Output, words: &[&str]) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("guards: "), "{errors}");
    for word in words {
        assert!(errors.contains(word), "no {word:?} in {errors}");
    }
}

#[tokio::test]
async fn without_arguments_it_shows_the_four_endings() {
    let output = guards(&[]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(lines.matches("  closed").count(), 4, "{lines}");
    for word in ["1 Ada", "3 Ferris", "no such user", "panic: true", "`.await`: true"] {
        assert!(lines.contains(word), "no {word:?} in\n{lines}");
    }
}

#[tokio::test]
async fn it_prints_the_rows_of_a_statement() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let output = guards(&[path, "SELECT * FROM users"]).await;
    assert_eq!(text(&output.stdout), "id\tname\n1\tAda\n2\tGrace\n");
    assert!(output.status.success());
    assert!(!database.is_open());
}

#[tokio::test]
async fn every_type_has_its_text() {
    let database = Database::new().await;
    let sql = "SELECT NULL AS a, -1 AS b, 2.5 AS c, '' AS d, 'x\ty' AS e, x'00ff' AS f";
    let output = guards(&[database.path.to_str().unwrap(), sql]).await;
    assert_eq!(text(&output.stdout), "a\tb\tc\td\te\tf\nNULL\t-1\t2.5\t\tx\\ty\tx'00ff'\n");
    let sql = "SELECT char(27) || '\\' AS 'a\tb', CAST(x'ff41' AS TEXT) AS c";
    let output = guards(&[database.path.to_str().unwrap(), sql]).await;
    assert_eq!(text(&output.stdout), "a\\tb\tc\n\\u{1b}\\\\\t\u{fffd}A\n");
}

#[tokio::test]
async fn nothing_to_run_is_an_error() {
    let database = Database::new().await;
    let output = guards(&[database.path.to_str().unwrap(), " "]).await;
    assert_one_line(&output, &["no SQL"]);
    assert_one_line(&guards(&[":memory:", "SELECT 1"]).await, &[":memory:", "no such file"]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let output = guards(&[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]).await;
    assert_one_line(&output, &["Cargo.toml", "not a database"]);
}

#[tokio::test]
async fn a_missing_database_is_named_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing.db");
    let output = guards(&[path.to_str().unwrap(), "SELECT 1"]).await;
    assert_one_line(&output, &["missing.db", "no such file"]);
    assert!(!path.exists());
}

#[tokio::test]
async fn an_sql_error_says_where_it_is() {
    let database = Database::new().await;
    let output = guards(&[database.path.to_str().unwrap(), "SELEC 1\nFROM nothing"]).await;
    assert_one_line(&output, &["users.db", "near \"SELEC\": syntax error"]);
    assert_eq!(text(&output.stdout), "");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_closes_the_database_and_ends_with_130() {
    let database = Database::new().await;
    // Rows without end, printed as they come.
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
               SELECT i, name FROM n, users";
    let mut child = std::process::Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), sql])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let status = tokio::task::spawn_blocking(move || {
        std::io::Read::read_exact(&mut output, &mut [0; 100]).unwrap();
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success()
        );
        std::io::copy(&mut output, &mut std::io::sink()).unwrap();
        child.wait().unwrap()
    })
    .await
    .unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(!database.is_open());
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_ctrl_c_ends_what_the_first_cannot() {
    let database = Database::new().await;
    // No row ever comes, and SQLite is not asked whether it would stop.
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
               SELECT count(*) FROM n";
    let mut child = std::process::Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), sql])
        .spawn()
        .unwrap();
    while !database.is_open() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let status = tokio::task::spawn_blocking(move || {
        loop {
            let pid = child.id().to_string();
            let kill = std::process::Command::new("kill").args(["-INT", &pid]).status();
            assert!(kill.unwrap().success());
            std::thread::sleep(std::time::Duration::from_millis(50));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(status.code(), Some(130));
}

#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() {
    let database = Database::new().await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let mut child = std::process::Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), sql])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = tokio::task::spawn_blocking(move || {
        std::io::Read::read_exact(&mut child.stdout.take().unwrap(), &mut [0; 100]).unwrap();
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
}
