//! The demonstration, which runs if you pass no arguments. It opens a temporary database four
//! times. Each time, the body ends in a different way, and so do the transaction and the plain
//! guard inside it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use guards::plain::on_drop;
use guards::{finished, with_database, with_transaction};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use tokio::time::{sleep, timeout};

use crate::timeline::Timeline;

/// The time for which each body works before it ends.
const WORK: Duration = Duration::from_millis(100);

/// The ways in which a body can end.
#[derive(Clone, Copy)]
enum Ending {
    Value,
    Error,
    Panic,
    Cancellation,
}

/// Uses a temporary database in four bodies, each of which ends in a different way. Returns the
/// timeline of the run.
pub async fn run() -> anyhow::Result<Arc<Timeline>> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let path = folder.path().join("users.db");
    // To SQLite, an empty file is an empty database.
    File::create(&path).context("cannot create a temporary database")?;
    fill(&path).await?;
    std::panic::set_hook(Box::new(|_| {})); // the panic below is on purpose, so it needs no message
    let timeline = Arc::new(Timeline::start(&[
        ('█', "open"),
        ('▒', "in a transaction"),
        ('✓', "committed"),
        ('×', "rolled back"),
    ]));
    let scene = Scene { path, start: Instant::now(), timeline: Arc::clone(&timeline) };

    for (ending, name, title) in [
        (Ending::Value, "value", "value: the body returns SELECT * FROM users"),
        (Ending::Error, "error", "error: the body fails"),
        (Ending::Panic, "panic", "panic: the body panics"),
        (Ending::Cancellation, "cancellation", "cancellation: the caller gives up after 0.2 s"),
    ] {
        scene.say(title)?;
        // The spawned task catches the panic, and the timeout cancels the last body.
        let inside = scene.clone();
        let body = async move { inside.leave(ending, name).await };
        let outcome = tokio::spawn(timeout(2 * WORK, body)).await;
        finished().await;
        scene.timeline.show(name, ' ');
        scene.say(if scene.is_open() { "    STILL OPEN" } else { "    closed" })?;
        let outcome = match outcome {
            Ok(Ok(Ok(names))) => format!("a value: {}", names.join(", ")),
            Ok(Ok(Err(error))) => format!("the body's own error: {error}"),
            Ok(Err(_)) => "nothing: it timed out, and its body was dropped".into(),
            Err(_) => "the body's own panic".into(),
        };
        scene.say(&format!("    the caller gets {outcome}"))?;
    }
    writeln!(io::stdout(), "\n{}", timeline.text())?;
    let names = with_database(&scene.path, names).await?;
    let names = names.join(", ");
    writeln!(
        io::stdout(),
        "At the end, the users are {names}: only one transaction was committed."
    )?;
    Ok(timeline)
}

#[derive(Clone)]
struct Scene {
    path: PathBuf,
    start: Instant,
    timeline: Arc<Timeline>,
}

impl Scene {
    /// Opens the database, adds a user in a transaction, and ends in the given way.
    async fn leave(&self, ending: Ending, name: &str) -> anyhow::Result<Vec<String>> {
        with_database(&self.path, async |db| {
            self.say("    open")?;
            self.timeline.show(name, '█');
            let _guard = on_drop(|| {
                let _ = self.say("    a plain guard is dropped with its scope");
            });
            let row = format!("{name}: transaction");
            let _rolled_back_or_committed = on_drop(|| {
                self.timeline.show(&row, ' ');
                self.timeline.mark(&row, if matches!(ending, Ending::Value) { '✓' } else { '×' });
            });
            with_transaction(db, async |db| {
                let user = ["Ferris", "Corro", "Moss", "Nobody"][ending as usize];
                self.say(&format!("    BEGIN; add {user}"))?;
                self.timeline.show(&row, '▒');
                sqlx::query("INSERT INTO users (name) VALUES (?)")
                    .bind(user)
                    .execute(&mut *db)
                    .await?;
                sleep(WORK).await;
                match ending {
                    Ending::Value => names(db).await,
                    Ending::Error => Err(anyhow!("no such user")),
                    Ending::Panic => panic!("a bug"),
                    Ending::Cancellation => {
                        sleep(Duration::from_secs(3600)).await;
                        unreachable!("the caller gives up long before that");
                    }
                }
            })
            .await
        })
        .await
    }

    /// Returns whether any connection has the database open. In WAL mode, SQLite keeps a `-wal`
    /// file next to an open database.
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
