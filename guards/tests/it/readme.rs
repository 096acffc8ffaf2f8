//! Compiles the code in the README.
#![allow(dead_code, reason = "this code only has to compile")]

use std::path::Path;

use guards::with_database;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection};

async fn use_a_database(path: &Path) -> anyhow::Result<Vec<SqliteRow>> {
    let rows = with_database(path, async |db| {
        anyhow::Ok(sqlx::query("SELECT * FROM users").fetch_all(db).await?)
    })
    .await?;
    Ok(rows)
}

async fn a_close_at_the_end_may_never_run(
    path: &Path,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Vec<SqliteRow>,
) -> sqlx::Result<Vec<SqliteRow>> {
    let mut db = open(path).await?;
    let rows = body(&mut db).await;
    db.close().await?;
    Ok(rows)
}

async fn open(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new().filename(path).connect().await
}
