//! `guards` on Tokio, with sqlx.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::{oneshot, watch};
use tokio::task;
use tokio::time::sleep;

use super::{Answer, FILL, Input, Witness};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(input.path).await.expect("SQLite works")
}

async fn lesson(path: PathBuf) -> sqlx::Result<Answer> {
    let witness = Witness::of(&path);

    // step: a body that gives a value
    let names = with_database(&path, async |db| {
        sqlx::raw_sql(FILL).execute(&mut *db).await?;
        names(db, &witness).await
    })
    .await?;
    witness.ended("value");

    // step: a body that fails
    let result: sqlx::Result<()> = with_database(&path, async |db| {
        self::names(db, &witness).await?;
        Err(sqlx::Error::RowNotFound)
    })
    .await;
    assert!(matches!(result, Err(sqlx::Error::RowNotFound)));
    witness.ended("error");

    // step: a body that panics
    // The task catches it. What is spawned owns all it uses.
    let (its_path, its_witness) = (path.clone(), witness.clone());
    let task = task::spawn(async move {
        with_database(&its_path, async |db| -> sqlx::Result<()> {
            self::names(db, &its_witness).await?;
            panic!("a bug in the body");
        })
        .await
    });
    assert!(task.await.is_err_and(|error| error.is_panic()));
    finished().await;
    witness.ended("panic");

    // step: a body that is cancelled
    // `select!` drops it when we are told that it is in the middle.
    let (tell, told) = oneshot::channel();
    let body = with_database(&path, async |db| {
        self::names(db, &witness).await?;
        tell.send(()).expect("somebody listens");
        sleep(Duration::from_secs(3600)).await;
        Ok(())
    });
    tokio::select! {
        result = body => panic!("it ended: {result:?}"),
        told = told => told.expect("it was told"),
    }
    finished().await;
    witness.ended("cancelled");

    Ok(Answer { names, endings: witness.endings() })
}

async fn names(db: &mut SqliteConnection, witness: &Witness) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query("SELECT name FROM users ORDER BY id").fetch_all(db).await?;
    witness.look();
    rows.iter().map(|row| row.try_get(0)).collect()
}

// step: open, run the body, close
async fn with_database<T>(
    path: &Path,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
) -> sqlx::Result<T> {
    let _span = span("database");
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut guard = Guard(Some(options.connect().await?));
    let result = body(guard.0.as_mut().expect("still open")).await;
    drop(guard);
    finished().await;
    result
}

// step: a guard whose drop starts the close
struct Guard(Option<SqliteConnection>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            let (closed, closing) = watch::channel(());
            CLOSING.lock().expect("no panic holds it").push(closing);
            task::spawn(async move {
                connection.close().await.expect("SQLite closes");
                drop(closed);
            });
        }
    }
}

// step: wait for every close under way
static CLOSING: Mutex<Vec<watch::Receiver<()>>> = Mutex::new(Vec::new());

async fn finished() {
    // A copy: dropped while it waits, it takes nothing with it.
    let closing = CLOSING.lock().expect("no panic holds it").clone();
    for mut close in closing {
        // An error: its sender is gone, and the close is over.
        let _ = close.changed().await;
    }
}
