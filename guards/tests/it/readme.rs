//! The code in the README, compiled.
#![allow(dead_code, reason = "it only has to compile")]

use std::path::Path;

use guards::with_database;
use sqlx::sqlite::SqliteRow;

async fn use_a_database(path: &Path) -> anyhow::Result<Vec<SqliteRow>> {
    let rows = with_database(path, async |db| {
        anyhow::Ok(sqlx::query("SELECT * FROM users").fetch_all(db).await?)
    })
    .await?;
    Ok(rows)
}
