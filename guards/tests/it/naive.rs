//! Shows what goes wrong if you write `async with` as three steps (open, body, close), and if you
//! hold a `std` lock across an `.await`.

use crate::database::{Database, a_moment_after, run_long_statement};
use guards::{finished, with_database};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use std::cell::Cell;
use std::path::Path;
use tokio::sync::oneshot;

/// Translates `db = await connect(path); try: await body(db) finally: await db.close()` literally.
/// In Rust, these are just three steps, and a cancelled caller never reaches the last step.
async fn naive_with_database(
    path: &Path,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<()>,
    reached_the_close: &Cell<bool>,
) -> sqlx::Result<()> {
    let mut connection = SqliteConnection::connect(path.to_str().unwrap_or_default()).await?;
    let result = body(&mut connection).await;
    reached_the_close.set(true);
    connection.close().await?;
    result
}

#[tokio::test]
async fn a_cancelled_caller_never_reaches_the_naive_close() {
    let database = Database::new().await;
    let (closed, (reached, has_reached)) = (Cell::new(false), oneshot::channel());
    let body = async |db: &mut SqliteConnection| {
        sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        reached.send(()).unwrap();
        run_long_statement(db).await
    };
    tokio::select! {
        _ = naive_with_database(&database.path, body, &closed) => panic!("the body ended too early"),
        () = a_moment_after(has_reached) => {}
    }
    assert!(!closed.get(), "a cancelled caller must not reach the line with the close");
    // The database is still open, and `finished` has nothing to wait for.
    finished().await;
    assert!(database.is_open());

    let (database, (reached, has_reached)) = (Database::new().await, oneshot::channel());
    let ours = with_database(&database.path, async |db| {
        sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        reached.send(()).unwrap();
        anyhow::Ok(run_long_statement(db).await?)
    });
    tokio::select! {
        _ = ours => panic!("the body ended too early"),
        () = a_moment_after(has_reached) => {}
    }
    finished().await;
    assert!(!database.is_open());
}

#[tokio::test]
#[allow(clippy::await_holding_lock, reason = "this test shows why you must not")]
async fn a_naive_lock_held_across_an_await_blocks_the_thread_that_should_release_it() {
    let naive = std::sync::Mutex::new(0);
    let holds = async {
        let _held = naive.lock().unwrap();
        tokio::task::yield_now().await;
    };
    // This runs on the same thread while the other future is at its `.await`. Calling `lock()` here
    // would block the thread, and the line that releases the lock could never run.
    let wants = async { naive.try_lock().is_err() };
    let ((), would_block_forever) = tokio::join!(holds, wants);
    assert!(would_block_forever);

    // Awaiting a lock leaves the thread free for the other future.
    let lock = tokio::sync::Mutex::new(0);
    let holds = async {
        let mut held = lock.lock().await;
        tokio::task::yield_now().await;
        *held += 1;
    };
    let wants = async { *lock.lock().await };
    let ((), seen) = tokio::join!(holds, wants);
    assert_eq!(seen, 1);
}
