//! Starts the program as a user would.

use std::process::Output;

use crate::database::{Database, stress};
use assert_cmd::Command;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

pub const GUARDS: &str = env!("CARGO_BIN_EXE_guards");

pub async fn guards(arguments: &[&str]) -> Output {
    let mut command = Command::new(GUARDS);
    command.args(arguments).timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asserts that the program fails and reports the failure in one line that contains all of
/// `words`.
pub fn assert_one_line(output: &Output, words: &[&str]) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("guards: "), "{errors}");
    for word in words {
        assert!(errors.contains(word), "no {word:?} in {errors}");
    }
}

#[tokio::test]
async fn the_demo_shows_the_four_endings() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let output = guards(&["--timeline-svg", picture.to_str().unwrap()]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for (count, words) in [
        (4, "    open\n"),
        (4, "    BEGIN"),
        (4, "    a plain guard"),
        (4, "    closed\n"),
        (1, "a value: Ada, Grace, Ferris\n"),
        (1, "the body's own error: no such user\n"),
        (1, "the body's own panic\n"),
        (1, "nothing: it timed out"),
        (1, "At the end, the users are Ada, Grace, Ferris: "),
        (2, "✓"), // once in the timeline, and once in its legend
        (4, "×"),
    ] {
        assert_eq!(lines.matches(words).count(), count, "{words:?} in\n{lines}");
    }
    assert!(std::fs::read_to_string(picture).unwrap().contains("cancellation: transaction"));
}

#[tokio::test]
async fn the_program_prints_the_rows_of_a_statement() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let output = guards(&[path, "SELECT * FROM users"]).await;
    assert_eq!(text(&output.stdout), "id  name\n--  -----\n1   Ada\n2   Grace\n");
    assert!(output.status.success());
}

#[tokio::test]
async fn each_type_is_printed_as_text() {
    let database = Database::new().await;
    let sql =
        "SELECT NULL AS a, -1 AS b, 2.0 AS c, '' AS d, 'x\ty' AS e, x'00ff' AS f, '\u{65e5}' AS g";
    let output = guards(&[database.path.to_str().unwrap(), sql]).await;
    let table = "a     b   c    d  e     f        g
----  --  ---  -  ----  -------  --
NULL  -1  2.0     x\\ty  x'00ff'  \u{65e5}
";
    assert_eq!(text(&output.stdout), table);
    let sql = "SELECT char(27) || '\\' AS 'a\tb', CAST(x'ff41' AS TEXT) AS c";
    let output = guards(&[database.path.to_str().unwrap(), sql]).await;
    let table = "a\\tb      c\n--------  -----\n\\u{1b}\\\\  \\xffA\n";
    assert_eq!(text(&output.stdout), table);
}

#[tokio::test]
async fn columns_are_as_wide_as_the_first_hundred_rows_need() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    for (long, width) in [(100, 3), (101, 2)] {
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             SELECT CASE i WHEN {long} THEN 'xxx' ELSE 'x' END AS ab, i FROM n"
        );
        let output = text(&guards(&[path, &sql]).await.stdout);
        let lines: Vec<_> = output.lines().collect();
        assert_eq!(lines.len(), 2002);
        assert!(lines[1].starts_with(&format!("{}  -", "-".repeat(width))), "{}", lines[1]);
    }
}

#[tokio::test]
async fn json_keeps_types_distinct_and_columns_in_order() {
    let database = Database::new().await;
    let sql = "SELECT 1 AS z, NULL AS a, '' AS b, 'NULL' AS c, 2.0 AS d, x'00ff' AS e, 9e999 AS f, 2 AS z";
    let output = guards(&[database.path.to_str().unwrap(), "--json", sql]).await;
    let line = r#"{"z":1,"a":null,"b":"","c":"NULL","d":2.0,"e":{"blob":"00ff"},"f":{"real":"inf"},"z_2":2}"#;
    assert_eq!(text(&output.stdout), format!("{line}\n"));
}

/// Returns the number of users.
pub async fn users(database: &Database) -> String {
    let sql = "SELECT count(*) AS n FROM users";
    text(&guards(&[database.path.to_str().unwrap(), "--json", sql]).await.stdout)
}

#[tokio::test]
async fn nothing_is_changed_without_write() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let before = std::fs::read(path).unwrap();
    for sql in ["DELETE FROM users", "DROP TABLE users", "CREATE TABLE t (a)"] {
        let output = guards(&[path, sql]).await;
        assert_one_line(&output, &["users.db", "--write"]);
    }
    // SQLite would ignore this statement without an error.
    assert_one_line(&guards(&[path, "PRAGMA journal_mode = delete"]).await, &["rollback"]);
    assert_eq!(std::fs::read(path).unwrap(), before);
    assert_eq!(users(&database).await, "{\"n\":2}\n");

    let output = guards(&[path, "--write", "DELETE FROM users WHERE name = 'Ada'"]).await;
    assert!(output.status.success());
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("".into(), "rows changed: 1\n".into())
    );
    assert_eq!(users(&database).await, "{\"n\":1}\n");
}

#[tokio::test]
async fn a_statement_that_fails_halfway_changes_nothing() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    // The id of the second row is already taken. `OR FAIL` would keep the first row.
    let sql = "INSERT OR FAIL INTO users VALUES (7, 'Ferris'), (1, 'Ada')";
    assert_one_line(&guards(&[path, "--write", sql]).await, &["UNIQUE constraint failed"]);
    assert_eq!(users(&database).await, "{\"n\":2}\n");
}

#[tokio::test]
async fn a_second_statement_is_refused() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let output = guards(&[path, "--write", "DELETE FROM users; SELECT 1"]).await;
    assert_one_line(&output, &["more than one statement"]);
    for sql in
        ["DELETE FROM users; COMMIT", "ROLLBACK; DELETE FROM users", "COMMIT; DELETE FROM users"]
    {
        let output = guards(&[path, "--write", sql]).await;
        assert_eq!(output.status.code(), Some(1), "{sql}: {}", text(&output.stderr));
        assert_eq!(users(&database).await, "{\"n\":2}\n", "{sql}");
    }
    assert!(guards(&[path, "SELECT 1; -- that is all"]).await.status.success());
}

#[tokio::test]
async fn parameters_are_bound_and_never_become_part_of_the_statement() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let attack = "x'); DROP TABLE users; --";
    let insert = ["--write", "INSERT INTO users (name) VALUES (?)", "--param", attack];
    assert!(guards(&[&[path], &insert[..]].concat()).await.status.success());
    let select = ["--json", "SELECT name FROM users WHERE name = ?", "--param", attack];
    let output = guards(&[&[path], &select[..]].concat()).await;
    assert_eq!(text(&output.stdout), format!("{{\"name\":\"{attack}\"}}\n"));
    assert_eq!(users(&database).await, "{\"n\":3}\n");
    // If the text became part of the statement, the condition would be true for all rows.
    let output =
        guards(&[path, "SELECT * FROM users WHERE name = ?", "--param", "' OR 1=1 --"]).await;
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn each_parameter_of_the_statement_needs_a_value() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    // SQLite itself would use NULL for a missing value.
    assert_one_line(&guards(&[path, "SELECT ?, ?", "--param", "a"]).await, &["2", "1"]);
    assert_one_line(&guards(&[path, "SELECT 1", "--param", "a"]).await, &["0", "1"]);
}

#[tokio::test]
async fn the_program_waits_for_a_locked_database_and_then_reports_it() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap().to_owned();
    let mut db = SqliteConnection::connect(&path).await.unwrap();
    let lock = db.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let insert = [&path, "--write", "INSERT INTO users (name) VALUES ('Ferris')"];
    let output = guards(&[&insert[..], &["--wait", "100ms"]].concat()).await;
    assert_one_line(
        &output,
        &["users.db", "locked while guards was starting to write; gave up after 100ms", "locked"],
    );

    // The program stops waiting as soon as the lock is released.
    let arguments = [&insert[..], &["--wait", "1m"]].concat();
    let (output, ()) = tokio::join!(guards(&arguments), async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        lock.rollback().await.unwrap();
    });
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_program_leaves_the_database_as_it_was() {
    for round in 0..if stress() { 50 } else { 6 } {
        let database = Database::new().await;
        // SQLite can undo a transaction in two ways, and these are the journal modes that select
        // them.
        let mode = ["wal", "delete"][round % 2];
        let set = format!("PRAGMA journal_mode = {mode}");
        let mut db = SqliteConnection::connect(database.path.to_str().unwrap()).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
        // SQLite does not keep this many rows in memory, so it writes to the file before the
        // statement ends.
        let sql = "INSERT INTO users (name) WITH RECURSIVE n(i) AS
                   (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)
                   SELECT hex(randomblob(500)) FROM n";
        let mut child = std::process::Command::new(GUARDS)
            .args([database.path.to_str().unwrap(), "--write", sql])
            .spawn()
            .unwrap();
        let length = || database.path.metadata().unwrap().len().max(database.size_of_wal());
        let is_written_to = || length() > 1 << 20;
        while !is_written_to() {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the statement must not end before we kill the program"
            );
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        child.kill().unwrap(); // SIGKILL
        tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        let path = database.path.to_str().unwrap();
        if mode == "delete" {
            // Rolling back writes to the file, so the program needs `--write`.
            assert_one_line(&guards(&[path, "SELECT 1"]).await, &["--write"]);
        }
        assert!(guards(&[path, "--write", "SELECT 1"]).await.status.success());
        assert_eq!(users(&database).await, "{\"n\":2}\n");
        let output = guards(&[path, "--json", "PRAGMA integrity_check"]).await;
        assert_eq!(text(&output.stdout), "{\"integrity_check\":\"ok\"}\n");
    }
}

#[tokio::test]
async fn nothing_to_run_is_an_error() {
    let database = Database::new().await;
    let output = guards(&[database.path.to_str().unwrap(), " "]).await;
    assert_one_line(&output, &["no SQL"]);
    assert_one_line(&guards(&[":memory:", "SELECT 1"]).await, &[":memory:", "no such file"]);
    // SQLite cannot wait for that long, so the program shortens the wait.
    let output = guards(&["--wait", "30days", database.path.to_str().unwrap()]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_reported_by_name() {
    let output = guards(&[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]).await;
    assert_one_line(&output, &["Cargo.toml", "not a database"]);
}

#[tokio::test]
async fn a_missing_database_is_reported_and_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing.db");
    let output = guards(&[path.to_str().unwrap(), "SELECT 1"]).await;
    assert_one_line(&output, &["missing.db", "no such file"]);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_syntax_error_shows_its_place() {
    let database = Database::new().await;
    let output = guards(&[database.path.to_str().unwrap(), "SELECT 1\nFORM nothing"]).await;
    assert_one_line(&output, &["users.db", "near \"nothing\": syntax error"]);
    assert_eq!(text(&output.stdout), "");
}

/// Sends SIGINT until the program has ended. Returns how many signals it took, and the exit
/// status.
#[cfg(unix)]
async fn interrupt(mut child: std::process::Child, pause: u64) -> (usize, Option<i32>) {
    let pid = child.id().to_string();
    for count in 1.. {
        let kill = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(kill.unwrap().success());
        for _ in 0..pause {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if let Some(status) = child.try_wait().unwrap() {
                return (count, status.code());
            }
        }
    }
    unreachable!()
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_rolls_back_and_exits_with_130() {
    let database = Database::new().await;
    // This statement never ends, and never returns a row.
    let sql = "INSERT INTO users (name) WITH RECURSIVE n(i) AS
               (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'one too many' FROM n";
    let child = std::process::Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), "--write", sql])
        .spawn()
        .unwrap();
    while database.size_of_wal() < 1 << 20 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(interrupt(child, 6000).await, (1, Some(130)));
    assert!(!database.is_open(), "the database must be closed, not just abandoned");
    assert_eq!(users(&database).await, "{\"n\":2}\n");
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_ctrl_c_ends_the_program_immediately() {
    let database = Database::new().await;
    let mut db = SqliteConnection::connect(database.path.to_str().unwrap()).await.unwrap();
    let _lock = db.begin_with("BEGIN IMMEDIATE").await.unwrap();
    // While SQLite waits for the lock, it does not check whether to stop.
    let child = std::process::Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), "--write", "--wait", "1h", "DELETE FROM users"])
        .spawn()
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let (count, status) = interrupt(child, 50).await;
    assert!(count > 1);
    assert_eq!(status, Some(130));
}

#[tokio::test]
async fn a_closed_pipe_ends_the_program_quietly() {
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

#[tokio::test]
async fn a_closed_pipe_is_a_failure_if_the_statement_should_change_something() {
    let database = Database::new().await;
    let sql = "INSERT INTO users (name) WITH RECURSIVE n(i) AS
               (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
               SELECT 'one of many' FROM n RETURNING name";
    let mut child = std::process::Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), "--write", sql])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = tokio::task::spawn_blocking(move || {
        drop(child.stdout.take());
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert_one_line(&output, &["users.db", "pipe"]);
    assert_eq!(users(&database).await, "{\"n\":2}\n");
}
