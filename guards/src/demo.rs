//! The scene without arguments: a temporary database, a query, and the four ways out of a body, of a
//! transaction, and of a plain guard.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use guards::plain::on_drop;
use guards::{finished, with_database, with_transaction};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use tokio::time::{sleep, timeout};

/// The ways out of a body.
#[derive(Clone, Copy)]
enum Ending {
    Value,
    Error,
    Panic,
    Cancellation,
}

/// Queries a temporary database, then leaves it in each of the four ways.
pub async fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let scene = Scene { path: folder.path().join("users.db"), start: Instant::now() };
    // To SQLite an empty file is an empty database.
    File::create(&scene.path).context("making a temporary database")?;
    fill(&scene.path).await?;
    std::panic::set_hook(Box::new(|_| {})); // it is on purpose: no message

    for (ending, title) in [
        (Ending::Value, "value: SELECT * FROM users"),
        (Ending::Error, "error: the body fails"),
        (Ending::Panic, "panic: the body panics"),
        (Ending::Cancellation, "cancellation: the caller has 0.2 s, the body wants an hour"),
    ] {
        scene.say(title)?;
        // In a task, which ends with the panic; and with little time.
        let inside = scene.clone();
        let body = async move { inside.leave(ending).await };
        let outcome = tokio::spawn(timeout(Duration::from_millis(200), body)).await;
        finished().await;
        scene.say(if scene.is_open() { "    STILL OPEN" } else { "    closed" })?;
        let told = match outcome {
            Ok(Ok(Ok(names))) => format!("a value: {}", names.join(", ")),
            Ok(Ok(Err(error))) => format!("the body's own error: {error}"),
            Ok(Err(_)) => "nothing: it was out of time, and has dropped the body".into(),
            Err(_) => "the body's own panic".into(),
        };
        scene.say(&format!("    the caller has {told}"))?;
    }
    let names = with_database(&scene.path, names).await?;
    scene.say(&format!(
        "In the end there are {}: one transaction was committed.",
        names.join(", ")
    ))?;
    Ok(())
}

#[derive(Clone)]
struct Scene {
    path: PathBuf,
    start: Instant,
}

impl Scene {
    /// Adds a user in a transaction in a database, and leaves all of it in the given way.
    async fn leave(&self, ending: Ending) -> anyhow::Result<Vec<String>> {
        with_database(&self.path, async |db| {
            self.say("    open")?;
            let _guard = on_drop(|| {
                let _ = self.say("    a plain guard, dropped with its scope");
            });
            with_transaction(db, async |db| {
                let name = ["Ferris", "Corro", "Moss", "Nobody"][ending as usize];
                self.say(&format!("    BEGIN; add {name}"))?;
                sqlx::query("INSERT INTO users (name) VALUES (?)")
                    .bind(name)
                    .execute(&mut *db)
                    .await?;
                match ending {
                    Ending::Value => names(db).await,
                    Ending::Error => Err(anyhow!("no such user")),
                    Ending::Panic => panic!("a bug"),
                    Ending::Cancellation => {
                        sleep(Duration::from_secs(3600)).await;
                        unreachable!("nobody has waited for it");
                    }
                }
            })
            .await
        })
        .await
    }

    /// SQLite keeps this file beside a database in WAL mode while anybody has it open.
    fn is_open(&self) -> bool {
        self.path.with_extension("db-wal").exists()
    }

    /// Prints a line with the seconds since the start.
    fn say(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{:6.2} s  {text}", self.start.elapsed().as_secs_f64())
    }
}

async fn names(db: &mut SqliteConnection) -> anyhow::Result<Vec<String>> {
    let rows = sqlx::query("SELECT * FROM users").fetch_all(db).await?;
    rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
}

async fn fill(path: &Path) -> anyhow::Result<()> {
    with_database(path, async |db| {
        sqlx::raw_sql(
            "PRAGMA journal_mode = wal;
             CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             INSERT INTO users (name) VALUES ('Ada'), ('Grace');",
        )
        .execute(db)
        .await?;
        Ok(())
    })
    .await
}
