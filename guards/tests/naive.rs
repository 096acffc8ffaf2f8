//! What becomes of `async with` when it is written down as open, body, close.

mod database;

use database::{A_MOMENT, Database, run_long_statement};
use guards::{finished, with_database};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use std::cell::Cell;
use std::path::Path;
use tokio::time::timeout;

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
    let closed = Cell::new(false);
    let body = async |db: &mut SqliteConnection| {
        sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        run_long_statement(db).await
    };
    let late = timeout(A_MOMENT, naive_with_database(&database.path, body, &closed)).await;
    assert!(late.is_err(), "the statement was too fast for this test");
    assert!(!closed.get(), "the line with the close was never reached");
    // The database is open, and there is nothing anybody could wait for.
    finished().await;
    assert!(database.is_open());

    let database = Database::new().await;
    let ours = with_database(&database.path, async |db| {
        sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        anyhow::Ok(run_long_statement(db).await?)
    });
    assert!(timeout(A_MOMENT, ours).await.is_err());
    finished().await;
    assert!(!database.is_open());
}
