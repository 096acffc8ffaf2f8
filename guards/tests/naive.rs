//! What becomes of `async with` when it is written down as open, body, close.

mod database;

use database::{Database, a_moment_after, run_long_statement};
use guards::{finished, with_database};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use std::cell::Cell;
use std::path::Path;
use tokio::sync::oneshot;

/// `db = await connect(path); try: await body(db) finally: await db.close()`, which in Rust is no
/// more than three steps, the last of which a cancelled caller never comes to.
async fn naive_with_database(
    path: &Path,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<()>,
    came_to_the_close: &Cell<bool>,
) -> sqlx::Result<()> {
    let mut connection = SqliteConnection::connect(path.to_str().unwrap_or_default()).await?;
    let result = body(&mut connection).await;
    came_to_the_close.set(true);
    connection.close().await?;
    result
}

#[tokio::test]
async fn the_naive_close_is_never_reached_by_a_cancelled_caller() {
    let database = Database::new().await;
    let (closed, (tell, told)) = (Cell::new(false), oneshot::channel());
    let body = async |db: &mut SqliteConnection| {
        sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        tell.send(()).unwrap();
        run_long_statement(db).await
    };
    tokio::select! {
        _ = naive_with_database(&database.path, body, &closed) => panic!("too fast"),
        () = a_moment_after(told) => {}
    }
    assert!(!closed.get(), "the line with the close was never reached");
    // The database is open, and there is nothing anybody could wait for.
    finished().await;
    assert!(database.is_open());

    let (database, (tell, told)) = (Database::new().await, oneshot::channel());
    let ours = with_database(&database.path, async |db| {
        sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        tell.send(()).unwrap();
        anyhow::Ok(run_long_statement(db).await?)
    });
    tokio::select! {
        _ = ours => panic!("too fast"),
        () = a_moment_after(told) => {}
    }
    finished().await;
    assert!(!database.is_open());
}
