//! Tests for defects that would lose or change real data, or would report the wrong reason. If data
//! is at stake, the test asks SQLite itself what is in the file afterwards.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor, Row};

use crate::database::Database;
use crate::program::{GUARDS, assert_one_line, guards, text, users};

/// Opens the database without the program.
async fn open(database: &Database) -> SqliteConnection {
    SqliteConnectOptions::new().filename(&database.path).connect().await.unwrap()
}

async fn number(db: &mut SqliteConnection, sql: &'static str) -> i64 {
    db.fetch_one(sql).await.unwrap().get(0)
}

#[tokio::test]
async fn a_pragma_before_a_statement_cannot_turn_the_rollback_off() {
    let database = Database::new().await;
    let mut db = open(&database).await;
    let fill = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER CHECK (v < 2));
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
                INSERT INTO t SELECT i, 0 FROM n";
    db.execute(sqlx::raw_sql(fill)).await.unwrap();
    let path = database.path.to_str().unwrap();
    // The last row violates the check, after all others have been changed.
    let update = "UPDATE t SET v = 1 + (id = 30000)";
    for before in ["PRAGMA journal_mode=OFF;", "PRAGMA synchronous=OFF ; -- \n", "SELECT 1;"] {
        let output = guards(&[path, "--write", &format!("{before}{update}")]).await;
        assert_one_line(&output, &["more than one statement", "none of them was run"]);
        assert_eq!(number(&mut db, "SELECT count(*) FROM t WHERE v > 0").await, 0);
    }
    let output = guards(&[path, "--write", update]).await;
    assert_one_line(&output, &["CHECK constraint failed"]);
    assert_eq!(number(&mut db, "SELECT count(*) FROM t WHERE v > 0").await, 0);
    let check: String = db.fetch_one("PRAGMA integrity_check").await.unwrap().get(0);
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn no_statement_writes_a_file_without_write() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let other = database.path.with_file_name("other.db");
    for sql in ["VACUUM INTO", "ATTACH"] {
        let end = if sql == "ATTACH" { "AS other" } else { "" };
        let output = guards(&[path, &format!("{sql} '{}' {end}", other.display())]).await;
        assert_one_line(&output, &[sql, "guards does not run"]);
        assert!(!other.exists());
    }
}

#[tokio::test]
async fn a_condition_on_a_number_compares_numbers() {
    let database = Database::new().await;
    let mut db = open(&database).await;
    let fill = "CREATE TABLE t (price); INSERT INTO t VALUES (5), (7.5), (20), (100000)";
    db.execute(sqlx::raw_sql(fill)).await.unwrap();
    let path = database.path.to_str().unwrap();
    // SQLite treats text as greater than every number. If the value were bound as text, each of
    // these statements would delete all rows.
    for (value, left) in [("+5", 4), ("7.50", 3), (".5", 3), ("1e1", 2), ("0x10", 2)] {
        let delete = ["--write", "DELETE FROM t WHERE price < ?", "--param", value];
        let output = guards(&[&[path], &delete[..]].concat()).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(number(&mut db, "SELECT count(*) FROM t").await, left, "{value}");
    }
    // A postal code is not a number.
    let output = guards(&[path, "--json", "SELECT typeof(?) AS t", "--param", "007"]).await;
    assert_eq!(text(&output.stdout), "{\"t\":\"text\"}\n");
}

#[tokio::test]
async fn values_reach_the_parameters_that_sqlite_would_give_them() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    for (sql, values, expected) in [
        // `?` is number 2 here.
        ("SELECT ?1 AS a, ? AS b", &["--param", "1", "--param", "2"][..], r#"{"a":1,"b":2}"#),
        // Without an alias, the name of a column is the text of its expression.
        ("SELECT :x, @y", &["--param", "y=2", "--param", ":x=1"], r#"{":x":1,"@y":2}"#),
        ("SELECT $a(1)", &["--param", "a(1)=2"], r#"{"$a(1)":2}"#),
        ("SELECT ? AS a, ? AS b", &["--null", "--text", "7"], r#"{"a":null,"b":"7"}"#),
        ("SELECT ? AS a", &["--blob", "00ff"], r#"{"a":{"blob":"00ff"}}"#),
        ("SELECT :a AS a", &["--null=a"], r#"{"a":null}"#),
        ("SELECT ':a', \"name\" FROM users LIMIT 1", &[], r#"{"':a'":":a","name":"Ada"}"#),
    ] {
        let output = guards(&[&[path, "--json", sql], values].concat()).await;
        assert_eq!(text(&output.stdout).trim_end(), expected, "{}", text(&output.stderr));
    }
    let update = "UPDATE users SET name = :name WHERE id = :id";
    let output =
        guards(&[path, "--write", update, "--param", "id=2", "--text", "name=Hopper"]).await;
    assert_eq!(text(&output.stderr), "rows changed: 1\n");
    let names = guards(&[path, "--csv", "SELECT name FROM users"]).await;
    assert_eq!(text(&names.stdout), "name\r\nAda\r\nHopper\r\n");
}

#[tokio::test]
async fn foreign_keys_are_off_as_in_sqlites_own_shell() {
    let database = Database::new().await;
    let mut db = open(&database).await;
    let create = "CREATE TABLE letters (of REFERENCES users (id) ON DELETE CASCADE);
                  INSERT INTO letters VALUES (1), (1), (2)";
    db.execute(sqlx::raw_sql(create)).await.unwrap();
    let path = database.path.to_str().unwrap();
    let output = guards(&[path, "--write", "DELETE FROM users WHERE id = 1"]).await;
    assert_eq!(text(&output.stderr), "rows changed: 1\n");
    assert_eq!(number(&mut db, "SELECT count(*) FROM letters").await, 3);
}

#[tokio::test]
async fn a_column_name_that_is_not_utf8_is_a_failure_without_a_backtrace() {
    let database = Database::new().await;
    let mut db = open(&database).await;
    // The schema is text, so we can change the name there.
    let create = "CREATE TABLE t (a?); PRAGMA writable_schema = 1;
                  UPDATE sqlite_schema SET sql = CAST(x'435245415445205441424c452074202861ff29' AS TEXT)
                  WHERE name = 't'";
    db.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(create.replace("a?", "ab")))).await.unwrap();
    drop(db);
    let output = guards(&[database.path.to_str().unwrap(), "SELECT * FROM t"]).await;
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    // sqlx panics on such a name. The database must be closed nevertheless.
    assert!(errors.starts_with("guards: internal error: sqlite3_column_name()"), "{errors}");
    assert!(!errors.contains("backtrace"), "{errors}");
    assert_eq!(users(&database).await, "{\"n\":2}\n");
}

#[tokio::test]
async fn csv_follows_rfc_4180() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let sql = "SELECT 1 AS \"a,b\", NULL AS c, '' AS d, 'say \"hi\"' AS e, 'two
lines' AS f, 2.0 AS g, x'00ff' AS h, CAST(x'ff1b41' AS TEXT) AS i";
    let output = guards(&[path, "--csv", sql]).await;
    let expected = b"\"a,b\",c,d,e,f,g,h,i\r\n\
        1,,\"\",\"say \"\"hi\"\"\",\"two\nlines\",2.0,x'00ff',\xff\x1bA\r\n";
    assert_eq!(output.stdout, expected, "{}", text(&output.stdout));
    // A program that reads the CSV finds the names even if there are no rows.
    let output = guards(&[path, "--csv", "SELECT id, name FROM users WHERE 0"]).await;
    assert_eq!(text(&output.stdout), "id,name\r\n");
    let output = guards(&[path, "--csv", "--write", "DELETE FROM users WHERE 0"]).await;
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn json_distinguishes_null_blobs_and_invalid_text_and_is_safe_to_print() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap();
    let sql = "SELECT CAST(x'ff41' AS TEXT) AS a, x'ff41' AS b, NULL AS c,
               char(27, 155, 8238) AS \"d\u{202e}\"";
    let output = guards(&[path, "--json", sql]).await;
    assert_eq!(
        text(&output.stdout),
        "{\"a\":{\"invalid_utf8\":\"ff41\"},\"b\":{\"blob\":\"ff41\"},\"c\":null,\
         \"d\\u202e\":\"\\u001b\\u009b\\u202e\"}\n"
    );
    let output = guards(&[path, "SELECT 1 AS \"d\u{202e}\u{1b}[2J\""]).await;
    assert!(text(&output.stdout).starts_with("d\\u{202e}\\u{1b}[2J\n"));
}

#[tokio::test]
async fn a_statement_may_come_from_stdin_and_begin_with_a_comment() {
    let database = Database::new().await;
    let path = database.path.to_str().unwrap().to_owned();
    let mut command = assert_cmd::Command::new(GUARDS);
    command
        .args([&path, "-", "--json"])
        .write_stdin("\u{feff}-- all\nSELECT count(*) AS n\nFROM users;\n");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(text(&output.stdout), "{\"n\":2}\n", "{}", text(&output.stderr));
    for sql in ["-- all users\nSELECT 1 AS n", "/* one */ SELECT 1 AS n", "--\nSELECT 1 AS n"] {
        let output = guards(&[&path, "--json", sql]).await;
        assert_eq!(text(&output.stdout), "{\"n\":1}\n", "{}", text(&output.stderr));
    }
    // In SQL, this is a comment as well, but it is probably a mistyped option.
    let output = guards(&[&path, "--wrtie"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no option --wrtie"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_locked_database_is_reported_with_the_step_that_waited() {
    let database = Database::new().await;
    let mut db = open(&database).await;
    // Without WAL mode, a reader and a writer can block each other at three different steps.
    db.execute("PRAGMA journal_mode = delete").await.unwrap();
    let path = database.path.to_str().unwrap();
    let insert = ["--write", "INSERT INTO users (name) VALUES ('Ferris')"];
    for (lock, arguments, step) in [
        ("BEGIN EXCLUSIVE", &["SELECT 1"][..], "while guards was opening it"),
        ("BEGIN IMMEDIATE", &insert, "while guards was starting to write"),
        ("BEGIN; SELECT * FROM users", &insert, "while guards was committing"),
    ] {
        db.execute(lock).await.unwrap();
        let output = guards(&[&[path, "--wait", "100ms"], arguments].concat()).await;
        assert_one_line(&output, &[path, step, "100ms", "--wait"]);
        db.execute("ROLLBACK").await.unwrap();
        assert_eq!(users(&database).await, "{\"n\":2}\n");
    }
}

/// Runs the program while a database is locked, and then unlocks the database. Returns the time, in
/// milliseconds, that SQLite would still wait for the next lock.
async fn left_to_wait(lock: &'static str, write: Option<&str>) -> u64 {
    let database = Database::new().await;
    let mut db = open(&database).await;
    db.execute("PRAGMA journal_mode = delete").await.unwrap();
    db.execute(lock).await.unwrap();
    let path = database.path.to_str().unwrap();
    let arguments = [path, "--csv", "--wait", "20s", "PRAGMA busy_timeout"];
    let arguments: Vec<_> = arguments.into_iter().chain(write).collect();
    let (output, ()) = tokio::join!(guards(&arguments), async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        db.execute("ROLLBACK").await.unwrap();
    });
    let line = text(&output.stdout).lines().nth(1).map(str::to_owned);
    line.unwrap_or_else(|| panic!("{}", text(&output.stderr))).parse().unwrap()
}

#[tokio::test]
async fn all_steps_share_one_time_to_wait() {
    let (after_opening, after_begin) = tokio::join!(
        left_to_wait("BEGIN EXCLUSIVE", None),
        left_to_wait("BEGIN IMMEDIATE", Some("--write"))
    );
    // We hold the lock for 1.5 s. The program starts a little later, but it still waits for the
    // lock for at least 0.1 s. That time is deducted from the 20 s for which it may wait.
    assert!(after_opening < 19_900, "{after_opening}");
    assert!(after_begin < 19_900, "{after_begin}");
}

#[cfg(unix)]
#[tokio::test]
async fn each_kind_of_path_has_its_own_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = Command::new("mkfifo").arg(path("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    for (path, reason) in [
        (path("."), "a folder"),
        (path("pipe"), "a named pipe"),
        (path("socket"), "a socket"),
        ("/dev/null".into(), "a device"),
        (path("missing"), "no such file"),
        (path("pipe/below"), "Not a directory"),
    ] {
        assert_one_line(&guards(&[&path, "SELECT 1"]).await, &[&path, reason]);
    }
}

/// Runs a program as a user to whom file permissions apply. Returns `None` if that is not possible.
#[cfg(unix)]
fn as_ordinary_user(
    folder: &std::path::Path,
    program: &str,
    arguments: &[&str],
) -> Option<std::process::Output> {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let secret = folder.join("secret");
    fs::write(&secret, "").unwrap_or_default(); // fails if an earlier call has made the file
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o0)).unwrap();
    let mut command = Command::new(program);
    command.args(arguments);
    if File::open(&secret).is_ok() {
        command.uid(65534).gid(65534); // we are root, so run the program as `nobody`
    }
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: cannot run {program} as another user: {error}");
            None
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn missing_permissions_have_their_own_messages() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::new().await; // in WAL mode
    let (path, folder) = (database.path.to_str().unwrap(), database.path.parent().unwrap());
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    for (of_folder, of_file, arguments, reason) in [
        (0o777, 0o200, &[path, "SELECT 1"][..], "no permission to read"),
        (0o777, 0o444, &[path, "--write", "DELETE FROM users"], "no permission to write"),
        (0o555, 0o666, &[path, "SELECT 1"], "WAL mode"),
        (0o600, 0o666, &[path, "SELECT 1"], "ermission denied"),
    ] {
        set(folder, 0o755);
        set(&database.path, of_file);
        set(folder, of_folder);
        let output = as_ordinary_user(tempfile::tempdir().unwrap().path(), GUARDS, arguments);
        set(folder, 0o755);
        let Some(output) = output else { return };
        assert_one_line(&output, &[path, reason]);
    }
    assert_eq!(users(&database).await, "{\"n\":2}\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_name_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let database = Database::new().await;
    let path = database.path.with_file_name(std::ffi::OsStr::from_bytes(b"\xff\x1b.db"));
    fs::rename(&database.path, &path).unwrap();
    let run =
        |arguments: &[&str]| Command::new(GUARDS).arg(&path).args(arguments).output().unwrap();
    let output = run(&["--write", "DELETE FROM users WHERE id = 1"]);
    assert_eq!(text(&output.stderr), "rows changed: 1\n");
    assert_eq!(text(&run(&["--csv", "SELECT name FROM users"]).stdout), "name\r\nGrace\r\n");
    let output = run(&["SELECT"]);
    assert_one_line(&output, &["\u{fffd}.db: "]);
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_and_sighup_roll_back_and_close_the_database() {
    for (signal, status) in [("TERM", 143), ("HUP", 129)] {
        let database = Database::new().await;
        let endless = "INSERT INTO users (name) WITH RECURSIVE n(i) AS
                       (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'one too many' FROM n";
        let mut child = Command::new(GUARDS)
            .args([database.path.to_str().unwrap(), "--write", endless])
            .spawn()
            .unwrap();
        while database.size_of_wal() < 1 << 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let pid = child.id().to_string();
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success()
        );
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(ended.code(), Some(status));
        assert!(!database.is_open());
        assert_eq!(users(&database).await, "{\"n\":2}\n");
    }
}

/// Waits until the program is blocked in a write to a full pipe, if the system shows that.
#[cfg(target_os = "linux")]
async fn until_output_is_blocked(program: u32) {
    let is_blocked = || {
        let tasks = fs::read_dir(format!("/proc/{program}/task")).unwrap().flatten();
        let waits_in = |task: fs::DirEntry| fs::read_to_string(task.path().join("wchan"));
        tasks.flat_map(waits_in).any(|function| function.contains("pipe_write"))
    };
    for _ in 0..1000 {
        if is_blocked() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_ends_the_program_while_nobody_reads_its_output() {
    let database = Database::new().await;
    let many = "INSERT INTO users (name) WITH RECURSIVE n(i) AS
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                SELECT 'one of many' FROM n RETURNING name";
    let mut child = Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), "--write", many])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    until_output_is_blocked(child.id()).await;
    // Two signals in quick succession may arrive as one, so we send more of them.
    let ended = loop {
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
    };
    assert_eq!(ended.code(), Some(130));
    assert_eq!(users(&database).await, "{\"n\":2}\n");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_program_while_it_waits_for_its_statement() {
    let database = Database::new().await;
    let mut child = Command::new(GUARDS)
        .args([database.path.to_str().unwrap(), "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let ended = loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
    };
    // If the signal arrives before the program listens for it, the signal itself ends the program.
    use std::os::unix::process::ExitStatusExt;
    assert!(ended.code() == Some(143) || ended.signal() == Some(15), "{ended}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_that_the_parent_ignores_stays_ignored() {
    let database = Database::new().await;
    // `nohup` makes a program ignore SIGHUP in the same way.
    let script = "trap '' HUP; exec \"$0\" \"$1\" -";
    let mut child = Command::new("sh")
        .args(["-c", script, GUARDS, database.path.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let program = child.id().to_string();
    let output = tokio::task::spawn_blocking(move || {
        let caught = || {
            let status = fs::read_to_string(format!("/proc/{program}/status")).unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            u64::from_str_radix(mask.trim(), 16).unwrap()
        };
        // SIGTERM is number 15: once it has a handler, the program is ready for signals.
        while caught() >> 14 & 1 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(Command::new("kill").args(["-HUP", &program]).status().unwrap().success());
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, b"SELECT 'still here' AS answer").unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert!(text(&output.stdout).ends_with("still here\n"), "{}", text(&output.stdout));
}

#[cfg(unix)]
#[tokio::test]
async fn too_few_handles_are_reported_in_one_line() {
    let script = "ulimit -n $1; exec \"$0\" users.db";
    for handles in ["5", "6", "7", "8"] {
        let output = Command::new("sh").args(["-c", script, GUARDS, handles]).output().unwrap();
        assert_one_line(&output, &["cannot start", "ulimit"]);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn too_few_threads_are_reported_in_one_line() {
    if Command::new("bash").arg("--version").output().is_err() {
        return eprintln!("skipped: bash is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    // With a limit of 2, only one worker thread can start.
    for threads in ["1", "2"] {
        let script = format!("ulimit -u {threads}; exec {GUARDS} users.db");
        let output = as_ordinary_user(folder.path(), "bash", &["-c", &script]);
        let Some(output) = output else { return };
        assert_one_line(&output, &["cannot start", "ulimit"]);
    }
}

#[tokio::test]
async fn the_version_and_invalid_times_need_no_database() {
    let output = guards(&["--version"]).await;
    assert_eq!(text(&output.stdout), concat!("guards ", env!("CARGO_PKG_VERSION"), "\n"));
    for (time, reason) in
        [("18446744073709551615s", "shorter"), ("soon", "unit"), ("\x1b[2J", "\u{fffd}[2J")]
    {
        let output = guards(&["users.db", "--wait", time]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
    }
}
