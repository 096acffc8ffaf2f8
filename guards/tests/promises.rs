//! What the lesson promises of `with_database` and `finished`: the four endings.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod database;

use std::future::pending;
use std::sync::Mutex;

use database::{Database, a_moment_after, run_long_statement};
use guards::{DatabaseError, finished, with_database};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

async fn names(db: &mut SqliteConnection) -> anyhow::Result<Vec<String>> {
    let rows = sqlx::query("SELECT name FROM users ORDER BY id").fetch_all(db).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Drops a body while SQLite is at a statement that goes on without it.
async fn cancel_in_a_long_statement(database: &Database) {
    let (tell, told) = oneshot::channel();
    tokio::select! {
        _ = with_database(&database.path, async |db| {
            names(db).await?;
            tell.send(()).unwrap();
            anyhow::Ok(run_long_statement(db).await?)
        }) => panic!("the statement was too fast for this test"),
        () = a_moment_after(told) => {}
    }
}

#[tokio::test]
async fn a_value_comes_through_and_the_database_is_closed() {
    let database = Database::new().await;
    let names = with_database(&database.path, async |db| {
        let names = names(db).await?;
        assert!(database.is_open(), "open while the body runs");
        anyhow::Ok(names)
    })
    .await
    .unwrap();
    assert_eq!(names, ["Ada", "Grace"]);
    assert!(!database.is_open(), "closed when `with_database` has returned");
}

#[tokio::test]
async fn an_error_comes_through_and_the_database_is_closed() {
    let database = Database::new().await;
    let result = with_database(&database.path, async |db| {
        names(db).await?;
        anyhow::bail!("the body's own words");
        #[allow(unreachable_code)]
        Ok(())
    })
    .await;
    assert_eq!(result.unwrap_err().to_string(), "the body's own words");
    assert!(!database.is_open());
}

#[tokio::test]
async fn a_panic_comes_through_and_the_database_is_closed() {
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
async fn a_caller_out_of_time_leaves_the_database_closed() {
    let database = Database::new().await;
    let path = &database.path;
    let (opened, is_open) = oneshot::channel();
    let body = with_database(path, async |db| {
        names(db).await?;
        opened.send(database.is_open()).unwrap();
        pending::<anyhow::Result<()>>().await
    });
    // `select!` drops the body at its `.await` as soon as it has opened.
    tokio::select! {
        _ = body => unreachable!("it waits for ever"),
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
    assert!(database.is_open(), "SQLite is still at it");
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
async fn a_future_dropped_outside_the_runtime_is_closed_too() {
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
        _ = &mut body => unreachable!("it waits for ever"),
        _ = is_open => {}
    }
    // A plain thread knows of no runtime; the guard remembers its own.
    std::thread::spawn(move || drop(body)).join().unwrap();
    finished().await;
    assert!(!database.is_open());
}

#[test]
fn a_runtime_dropped_without_finished_leaves_the_close_undone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(async {
        let database = Database::new().await;
        cancel_in_a_long_statement(&database).await;
        database
    });
    // The body is dropped and its close is started; the end of the runtime waits for neither.
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

#[tokio::test]
async fn what_is_no_database_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "This is a text, and not a short one, in which no database is to be found.",
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
    assert!(!folder.path().join("missing.db").exists(), "nothing was made in its place");
}
