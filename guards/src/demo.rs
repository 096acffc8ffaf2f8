//! The scene without arguments: a temporary database, a query, and the four ways out of a body.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use guards::{finished, with_database};
use sqlx::Row;
use tokio::time::{sleep, timeout};

/// Prints lines with the seconds since the start.
struct Clock(Instant);

impl Clock {
    /// Says that the database is closed, after a look at it.
    fn closed(&self, path: &Path) -> io::Result<()> {
        // SQLite keeps this file beside a database in WAL mode while anybody has it open.
        let is_open = path.with_extension("db-wal").exists();
        self.say(if is_open { "    STILL OPEN" } else { "    closed" })
    }

    fn say(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{:6.2} s  {text}", self.0.elapsed().as_secs_f64())
    }
}

/// Queries a temporary database, then leaves the body in each of the four ways.
pub async fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let path = folder.path().join("users.db");
    // To SQLite an empty file is an empty database.
    File::create(&path).context("making a temporary database")?;
    let clock = Clock(Instant::now());
    fill(&path).await?;

    clock.say("value: SELECT * FROM users")?;
    let users = with_database(&path, async |db| {
        clock.say("    open")?;
        let rows = sqlx::query("SELECT * FROM users").fetch_all(&mut *db).await?;
        sleep(Duration::from_millis(100)).await;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<anyhow::Result<Vec<(i64, String)>>>()
    })
    .await?;
    clock.closed(&path)?;
    for (id, name) in users {
        clock.say(&format!("    {id} {name}"))?;
    }

    clock.say("error: the body fails")?;
    let failed: anyhow::Result<()> = with_database(&path, async |_db| {
        clock.say("    open")?;
        Err(anyhow!("no such user"))
    })
    .await;
    clock.closed(&path)?;
    if let Err(error) = failed {
        clock.say(&format!("    the body's own error: {error}"))?;
    }

    clock.say("panic: the body panics, in a task")?;
    std::panic::set_hook(Box::new(|_| {})); // it is on purpose: no message
    let task = tokio::spawn({
        let path = path.clone();
        async move { with_database(&path, async |_db| -> anyhow::Result<()> { panic!("a bug") }).await }
    });
    let panicked = task.await.is_err_and(|error| error.is_panic());
    let _ = std::panic::take_hook();
    finished().await;
    clock.closed(&path)?;
    clock.say(&format!("    the caller sees the panic: {panicked}"))?;

    clock.say("cancellation: the caller has 0.2 s, the body wants an hour")?;
    let cancelled = timeout(
        Duration::from_millis(200),
        with_database(&path, async |_db| -> anyhow::Result<()> {
            clock.say("    open")?;
            sleep(Duration::from_secs(3600)).await;
            Ok(())
        }),
    )
    .await;
    finished().await;
    clock.closed(&path)?;
    clock.say(&format!("    the body was dropped at its `.await`: {}", cancelled.is_err()))?;
    Ok(())
}

async fn fill(path: &Path) -> anyhow::Result<()> {
    with_database(path, async |db| {
        sqlx::raw_sql(
            "PRAGMA journal_mode = wal;
             CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             INSERT INTO users (name) VALUES ('Ada'), ('Grace'), ('Ferris');",
        )
        .execute(db)
        .await?;
        Ok(())
    })
    .await
}
