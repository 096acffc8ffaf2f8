//! Tests the promises of `with_database`, `with_transaction` and `finished`, one by one.

use std::cell::Cell;
use std::future::pending;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use crate::database::{self, Database, a_moment_after, run_long_statement, stress};
use futures_util::poll;
use guards::plain::on_drop;
use guards::{DatabaseError, finished, with_connection, with_database, with_transaction};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};
use tokio::sync::{Semaphore, oneshot};

async fn names(db: &mut SqliteConnection) -> anyhow::Result<Vec<String>> {
    let rows = sqlx::query("SELECT name FROM users ORDER BY id").fetch_all(db).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Drops a body while SQLite is running a statement. The statement continues without the body.
async fn cancel_in_a_long_statement(database: &Database) {
    let (reached, has_reached) = oneshot::channel();
    tokio::select! {
        _ = with_database(&database.path, async |db| {
            names(db).await?;
            reached.send(()).unwrap();
            anyhow::Ok(run_long_statement(db).await?)
        }) => panic!("the statement was too fast for this test"),
        () = a_moment_after(has_reached) => {}
    }
}

#[tokio::test]
async fn a_value_reaches_the_caller_and_the_database_is_closed() {
    let database = Database::new().await;
    let names = with_database(&database.path, async |db| {
        let names = names(db).await?;
        assert!(database.is_open(), "the database must be open while the body runs");
        anyhow::Ok(names)
    })
    .await
    .unwrap();
    assert_eq!(names, ["Ada", "Grace"]);
    assert!(!database.is_open(), "the database must be closed when `with_database` has returned");
}

#[tokio::test]
async fn an_error_reaches_the_caller_and_the_database_is_closed() {
    let database = Database::new().await;
    let result = with_database(&database.path, async |db| {
        names(db).await?;
        anyhow::bail!("the body's own error");
        #[allow(unreachable_code)]
        Ok(())
    })
    .await;
    assert_eq!(result.unwrap_err().to_string(), "the body's own error");
    assert!(!database.is_open());
}

#[tokio::test]
async fn a_panic_reaches_the_caller_and_the_database_is_closed() {
    let database = Database::new().await;
    let path = database.path.clone();
    let task = tokio::spawn(async move {
        with_database(&path, async |db| -> anyhow::Result<()> {
            names(db).await?;
            panic!("the body's own panic");
        })
        .await
    });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(*panic.downcast::<&str>().unwrap(), "the body's own panic");
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
async fn a_caller_that_times_out_leaves_the_database_closed() {
    let database = Database::new().await;
    let path = &database.path;
    let (opened, is_open) = oneshot::channel();
    let body = with_database(path, async |db| {
        names(db).await?;
        opened.send(database.is_open()).unwrap();
        pending::<anyhow::Result<()>>().await
    });
    // As soon as the body has the database open, `select!` drops the body at its `.await`.
    tokio::select! {
        _ = body => unreachable!("the body waits forever"),
        was_open = is_open => assert_eq!(was_open, Ok(true)),
    }
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
async fn an_aborted_task_leaves_the_database_closed() {
    let database = Database::new().await;
    let path = database.path.clone();
    let (opened, is_open) = oneshot::channel();
    let task = tokio::spawn(async move {
        with_database(&path, async |db| {
            names(db).await?;
            opened.send(()).unwrap();
            pending::<anyhow::Result<()>>().await
        })
        .await
    });
    is_open.await.unwrap();
    assert!(database.is_open());
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
async fn finished_waits_for_a_statement_that_cancelling_did_not_stop() {
    let database = Database::new().await;
    cancel_in_a_long_statement(&database).await;
    assert!(database.is_open(), "SQLite is still running the statement");
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
async fn a_future_dropped_outside_the_runtime_closes_its_database_too() {
    let database = Database::new().await;
    let path = database.path.clone();
    let (opened, is_open) = oneshot::channel();
    let mut body = Box::pin(async move {
        with_database(&path, async |db| {
            names(db).await?;
            opened.send(()).unwrap();
            pending::<anyhow::Result<()>>().await
        })
        .await
    });
    tokio::select! {
        _ = &mut body => unreachable!("the body waits forever"),
        _ = is_open => {}
    }
    // A plain thread has no runtime, but the guard remembers the runtime on which it was created.
    std::thread::spawn(move || drop(body)).join().unwrap();
    finished().await;
    assert!(!database.is_open());
}

#[test]
fn a_runtime_dropped_without_finished_leaves_the_database_open() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(async {
        let database = Database::new().await;
        cancel_in_a_long_statement(&database).await;
        database
    });
    // The body was dropped, and the close has started. When the runtime shuts down, it does not
    // wait for the close.
    drop(runtime);
    assert!(database.is_open(), "the program would end here, with the database open");
}

#[tokio::test]
async fn a_body_may_borrow_and_run_inside_spawn() {
    let database = Database::new().await;
    let path = database.path.clone();
    let task = tokio::spawn(async move {
        let wanted = String::from("Grace");
        let seen = Mutex::new(Vec::new());
        with_database(&path, async |db| {
            for name in names(db).await? {
                if name == wanted {
                    seen.lock().unwrap().push(name);
                }
            }
            anyhow::Ok(())
        })
        .await
        .unwrap();
        seen.into_inner().unwrap()
    });
    assert_eq!(task.await.unwrap(), ["Grace"]);
}

#[tokio::test]
async fn two_databases_nest_and_the_inner_is_closed_first() {
    let (outer, inner) = (Database::new().await, Database::new().await);
    with_database(&outer.path, async |db| {
        names(db).await?;
        with_database(&inner.path, async |db| {
            names(db).await?;
            assert!(outer.is_open() && inner.is_open());
            anyhow::Ok(())
        })
        .await?;
        assert!(outer.is_open() && !inner.is_open());
        anyhow::Ok(())
    })
    .await
    .unwrap();
    assert!(!outer.is_open());
}

/// Adds two users in one transaction. `between` runs after the first user has been added, and may
/// fail or wait.
async fn add_two(
    db: &mut SqliteConnection,
    between: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    with_transaction(db, async |db| {
        add(db, "Ferris").await?;
        between.await?;
        add(db, "Corro").await
    })
    .await
}

async fn add(db: &mut SqliteConnection, name: &str) -> anyhow::Result<()> {
    sqlx::query("INSERT INTO users (name) VALUES (?)").bind(name).execute(db).await?;
    Ok(())
}

/// Returns the names of all users, read through another connection.
async fn committed(database: &Database) -> Vec<String> {
    with_database(&database.path, names).await.unwrap()
}

const TWO: [&str; 2] = ["Ada", "Grace"];
const FOUR: [&str; 4] = ["Ada", "Grace", "Ferris", "Corro"];

#[tokio::test]
async fn a_transaction_is_committed_if_the_body_returns_a_value() {
    let database = Database::new().await;
    with_database(&database.path, async |db| {
        add_two(db, async { Ok(()) }).await?;
        assert_eq!(
            committed(&database).await,
            FOUR,
            "other connections must see the new users now"
        );
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_transaction_is_rolled_back_after_an_error() {
    let database = Database::new().await;
    with_database(&database.path, async |db| {
        let failed = add_two(db, async { anyhow::bail!("the body's own error") }).await;
        assert_eq!(failed.unwrap_err().to_string(), "the body's own error");
        assert_eq!(names(db).await?, TWO);
        // Nothing is left of the failed transaction, so the next one can begin.
        add_two(db, async { Ok(()) }).await
    })
    .await
    .unwrap();
    assert_eq!(committed(&database).await, FOUR);
}

#[tokio::test]
async fn a_transaction_is_rolled_back_after_a_panic() {
    let database = Database::new().await;
    let path = database.path.clone();
    let task = tokio::spawn(async move {
        with_database(&path, async |db| add_two(db, async { panic!("the body's own panic") }).await)
            .await
    });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(*panic.downcast::<&str>().unwrap(), "the body's own panic");
    finished().await;
    assert_eq!(committed(&database).await, TWO);
}

#[tokio::test]
async fn a_transaction_is_rolled_back_when_its_caller_is_dropped() {
    let database = Database::new().await;
    with_database(&database.path, async |db| {
        let (reached, has_reached) = oneshot::channel();
        let waits = async {
            reached.send(()).unwrap();
            pending().await
        };
        tokio::select! {
            _ = add_two(db, waits) => unreachable!("the body waits forever"),
            _ = has_reached => {}
        }
        // This is the same connection, and the rollback comes before the query.
        assert_eq!(names(db).await?, TWO);
        add_two(db, async { Ok(()) }).await
    })
    .await
    .unwrap();
    assert_eq!(committed(&database).await, FOUR);
}

#[tokio::test]
async fn a_transaction_and_its_database_may_be_dropped_together() {
    let database = Database::new().await;
    let path = database.path.clone();
    let (reached, has_reached) = oneshot::channel();
    let task = tokio::spawn(async move {
        with_database(&path, async |db| {
            let waits = async {
                reached.send(()).unwrap();
                pending().await
            };
            add_two(db, waits).await
        })
        .await
    });
    has_reached.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    finished().await;
    assert!(!database.is_open());
    assert_eq!(committed(&database).await, TWO);
}

#[tokio::test]
async fn a_transaction_inside_another_is_refused_and_does_no_harm() {
    let database = Database::new().await;
    with_database(&database.path, async |db| {
        with_transaction(db, async |db| {
            add(db, "Ferris").await?;
            let inner = with_transaction(db, async |db| add(db, "Moss").await).await;
            assert!(matches!(inner.unwrap_err().downcast_ref(), Some(DatabaseError::Nested)));
            add(db, "Corro").await
        })
        .await
    })
    .await
    .unwrap();
    assert_eq!(committed(&database).await, FOUR);
}

#[tokio::test]
async fn if_the_body_ignores_a_rollback_this_transaction_and_the_next_one_fail() {
    for end in ["COMMIT", "ROLLBACK", "INSERT OR ROLLBACK INTO users VALUES (1, 'Ada')"] {
        let database = Database::new().await;
        with_database(&database.path, async |db| {
            let failed = with_transaction(db, async |db| {
                add(db, "Ferris").await?;
                // The body ignores the result, and returns `Ok` at the end.
                let _ = sqlx::raw_sql(end).execute(&mut *db).await;
                anyhow::Ok(())
            });
            let error = failed.await.unwrap_err();
            assert!(
                matches!(error.downcast_ref(), Some(DatabaseError::Commit(_))),
                "{end}: {error:#}"
            );
            // sqlx still believes that the first transaction is under way, so the next one is
            // refused.
            let next = with_transaction(db, async |db| add(db, "Corro").await).await;
            assert!(matches!(next.unwrap_err().downcast_ref(), Some(DatabaseError::Nested)));
            anyhow::Ok(())
        })
        .await
        .unwrap();
        let expected = if end == "COMMIT" { 3 } else { 2 };
        assert_eq!(committed(&database).await.len(), expected, "{end}");
    }
}

#[tokio::test]
async fn a_failed_commit_rolls_back_and_is_an_error() {
    let database = Database::new().await;
    with_database(&database.path, async |db| {
        sqlx::raw_sql(
            "PRAGMA foreign_keys = on;
             CREATE TABLE pets (owner REFERENCES users DEFERRABLE INITIALLY DEFERRED)",
        )
        .execute(&mut *db)
        .await?;
        // SQLite checks a deferred constraint only at the commit.
        let failed = with_transaction(db, async |db| {
            add(db, "Ferris").await?;
            sqlx::query("INSERT INTO pets VALUES (99)").execute(db).await?;
            anyhow::Ok(())
        });
        let error = failed.await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(DatabaseError::Commit(_))), "{error:#}");
        assert_eq!(names(db).await?, TWO);
        anyhow::Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn after_a_rollback_by_sqlite_itself_the_next_transaction_can_begin() {
    let database = Database::new().await;
    with_database(&database.path, async |db| {
        let failed = with_transaction(db, async |db| {
            add(db, "Ferris").await?;
            sqlx::query("INSERT OR ROLLBACK INTO users VALUES (1, 'Ada')").execute(db).await?;
            anyhow::Ok(())
        });
        assert!(failed.await.unwrap_err().to_string().contains("UNIQUE constraint failed"));
        assert_eq!(names(db).await?, TWO);
        add_two(db, async { Ok(()) }).await
    })
    .await
    .unwrap();
    assert_eq!(committed(&database).await, FOUR);
}

#[tokio::test]
async fn concurrent_transactions_run_one_after_another() {
    let database = Database::new().await;
    let tasks = (0..8).map(|_| {
        let path = database.path.clone();
        tokio::spawn(async move {
            // Each transaction reads, then writes. With a plain `BEGIN`, if two transactions have
            // both read, one of them fails when it writes.
            with_database(&path, async |db| {
                with_transaction(db, async |db| {
                    let count = names(db).await?.len();
                    tokio::task::yield_now().await;
                    add(db, &format!("user {count}")).await
                })
                .await
            })
            .await
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    let mut names = committed(&database).await;
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 10, "each transaction must see the users added before it: {names:?}");
}

/// Makes the close fail by installing a handler that interrupts everything SQLite does from now on.
async fn spoil_the_close(db: &mut SqliteConnection) -> anyhow::Result<()> {
    db.lock_handle().await?.set_progress_handler(1, || false);
    Ok(())
}

fn with_work_at_the_close(database: &Database) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(&database.path).optimize_on_close(true, None)
}

#[tokio::test]
async fn a_failed_close_is_an_error() {
    let database = Database::new().await;
    let result = with_connection(with_work_at_the_close(&database), spoil_the_close).await;
    let error = result.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(DatabaseError::Close { .. })), "{error:#}");
    finished().await;
}

#[tokio::test]
async fn a_close_error_is_printed_to_stderr_and_does_not_hide_the_body_error() {
    const NAME: &str = "a_close_error_is_printed_to_stderr_and_does_not_hide_the_body_error";
    if std::env::var_os("IN_CHILD").is_none() {
        // Run this test again in a child process, so that its stderr can be read.
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let output = child
            .args([
                "--exact",
                &format!("{}::{NAME}", module_path!().split_once("::").unwrap().1),
                "--nocapture",
            ])
            .env("IN_CHILD", "1")
            .output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        assert!(errors.contains("users.db: cannot close the database: "), "{errors}");
        return;
    }
    let database = Database::new().await;
    let result: anyhow::Result<()> =
        with_connection(with_work_at_the_close(&database), async |db| {
            spoil_the_close(db).await?;
            anyhow::bail!("the body's own error")
        })
        .await;
    assert_eq!(result.unwrap_err().to_string(), "the body's own error");
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_closed_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, and long enough for SQLite to notice".repeat(5))
        .unwrap();
    for _ in 0..50 {
        assert!(with_database(&text, names).await.is_err());
        assert!(!database::has_open(&text));
    }
}

/// Another connection holds an exclusive lock on the file, so the opening has to wait.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn finished_waits_for_an_opening_whose_caller_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut holder = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (i); BEGIN EXCLUSIVE").execute(&mut holder).await.unwrap();
    let handles = database::open_handles(&path);

    let mut opening = Box::pin(with_database(&path, names));
    while database::open_handles(&path) == handles {
        assert!(poll!(&mut opening).is_pending());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(opening);
    assert!(poll!(Box::pin(finished())).is_pending(), "`finished` must wait for the opening");

    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    finished().await;
    assert_eq!(database::open_handles(&path), handles, "the connection must be closed again");
    holder.close().await.unwrap();
}

#[tokio::test]
async fn sqlites_special_names_are_ordinary_paths() {
    for path in ["", ":memory:", "file::memory:", "file:users.db?mode=memory"] {
        let error = with_database(path, names).await.unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(DatabaseError::Open { .. })),
            "{path}: {error:#}"
        );
    }
}

#[tokio::test]
async fn nested_closes_all_run_even_if_each_of_them_fails() {
    let (outer, inner) = (Database::new().await, Database::new().await);
    let result: anyhow::Result<()> = with_connection(with_work_at_the_close(&outer), async |db| {
        spoil_the_close(db).await?;
        with_connection(with_work_at_the_close(&inner), async |db| {
            assert!(outer.is_open() && inner.is_open());
            spoil_the_close(db).await
        })
        .await
    })
    .await;
    // The caller gets the first error. The error of the outer close is printed to stderr.
    let error = result.unwrap_err();
    assert!(error.to_string().contains(inner.path.to_str().unwrap()), "{error}");
    finished().await;
    // sqlx abandons a connection that it could not close. The connection's thread ends a little
    // later.
    while outer.has_connections() || inner.has_connections() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_cancelled_callers_leaves_nothing_open() {
    let database = Database::new().await;
    let callers = if stress() { 1000 } else { 100 };
    let start = std::time::Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|n| {
            let path = database.path.clone();
            let caller = async move {
                with_database(&path, async |db| {
                    let pause = async {
                        tokio::task::yield_now().await;
                        Ok(())
                    };
                    add_two(db, pause).await
                })
                .await
            };
            // Some timeouts end during the opening, and some are longer than the whole call.
            let time = Duration::from_micros(fastrand::u64(0..40_000) * (1 + n / 50));
            tokio::spawn(async move { tokio::time::timeout(time, caller).await })
        })
        .collect();
    let (mut whole, mut cancelled) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(done) => {
                // With so many callers, some may time out while they wait for the lock.
                whole += usize::from(done.is_ok());
            }
            Err(_) => cancelled += 1,
        }
    }
    finished().await;
    assert!(!database.has_connections(), "no connection may be left open");
    assert!(cancelled > 0, "no caller was cancelled in {:?}", start.elapsed());
    // Each caller has added both rows or neither, and no caller still holds a lock.
    let names =
        with_database(&database.path, async |db| with_transaction(db, names).await).await.unwrap();
    assert_eq!(names.len() % 2, 0);
    assert!(names.len() >= 2 + 2 * whole, "{} names after {whole} successful calls", names.len());
    assert_eq!(names.iter().filter(|name| *name == "Ferris").count(), names.len() / 2 - 1);
}

#[tokio::test]
async fn a_caller_dropped_while_opening_leaves_the_database_closed() {
    let database = Database::new().await;
    let mut opening = Box::pin(with_database(&database.path, names));
    // After one poll, the opening is under way.
    assert!(futures_util::poll!(&mut opening).is_pending());
    drop(opening);
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
async fn a_dropped_caller_gives_its_permit_back() {
    let seats = Semaphore::new(1);
    {
        let mut sitting = Box::pin(async {
            let _seat = seats.acquire().await.unwrap();
            pending::<()>().await
        });
        assert!(futures_util::poll!(&mut sitting).is_pending());
        assert_eq!(seats.available_permits(), 0);
    }
    assert_eq!(seats.available_permits(), 1);
}

#[test]
fn a_plain_guard_runs_no_matter_how_its_scope_ends() {
    let ran = Cell::new(0);
    let count = || ran.set(ran.get() + 1);
    {
        let _guard = on_drop(count);
        assert_eq!(ran.get(), 0, "the guard must not run before the end of its scope");
    }
    assert_eq!(ran.get(), 1);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = on_drop(count);
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(ran.get(), 2);
    let mut future = Box::pin(async {
        let _guard = on_drop(count);
        pending::<()>().await
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    drop(future);
    assert_eq!(ran.get(), 3);
}

/// Opens a database and begins a transaction in it. Inside that transaction, opens a second
/// database and begins a second transaction. The innermost body ends in one of the four ways.
async fn leave_nested(outer: &Path, inner: &Path, ending: usize) -> anyhow::Result<()> {
    with_database(outer, async |db| {
        with_transaction(db, async |db| {
            add(db, "Ferris").await?;
            with_database(inner, async |db| {
                with_transaction(db, async |db| {
                    add(db, "Ferris").await?;
                    match ending {
                        0 => Ok(()),
                        1 => anyhow::bail!("the body's own error"),
                        2 => panic!("the body's own panic"),
                        _ => pending().await,
                    }
                })
                .await
            })
            .await
        })
        .await
    })
    .await
}

#[tokio::test]
async fn each_ending_closes_all_nested_scopes() {
    for ending in 0..4 {
        let (outer, inner) = (Database::new().await, Database::new().await);
        let paths = (outer.path.clone(), inner.path.clone());
        let leave = async move { leave_nested(&paths.0, &paths.1, ending).await };
        let limit = if ending < 3 { Duration::from_secs(60) } else { Duration::from_millis(200) };
        let outcome = tokio::spawn(tokio::time::timeout(limit, leave)).await;
        let seen = match outcome {
            Ok(Ok(Ok(()))) => 0,
            Ok(Ok(Err(error))) if error.to_string() == "the body's own error" => 1,
            Err(error) if error.is_panic() => 2,
            Ok(Err(_)) => 3,
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, ending);
        finished().await;
        for database in [outer, inner] {
            assert!(!database.is_open(), "after ending {ending}");
            let count = if ending == 0 { 3 } else { 2 };
            assert_eq!(committed(&database).await.len(), count, "after ending {ending}");
        }
    }
}

#[tokio::test]
async fn the_error_names_a_path_that_is_not_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "This text is long enough for SQLite to notice that the file is not a database file.",
    )
    .unwrap();
    for path in [text, folder.path().join("missing.db"), folder.path().to_owned()] {
        let mut ran = false;
        let result: anyhow::Result<()> = with_database(&path, async |_db| {
            ran = true;
            Ok(())
        })
        .await;
        let error = result.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(DatabaseError::Open { .. })));
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(!ran, "the body must not run");
    }
    assert!(!folder.path().join("missing.db").exists(), "no file may be created");
}
