//! `guards` on smol, with sqlx.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use smol::future::FutureExt;
use smol::{Task, Timer};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};

use super::{Answer, FILL, Input, Witness};

// step: start the runtime
pub fn start(input: Input) -> Answer {
    let lesson = lesson(input.path, Duration::from_millis(input.patience_ms));
    smol::block_on(lesson).expect("SQLite works")
}

async fn lesson(path: PathBuf, patience: Duration) -> sqlx::Result<Answer> {
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
    // Caught where it is awaited, so that the body may borrow.
    let body = with_database(&path, async |db| -> sqlx::Result<()> {
        self::names(db, &witness).await?;
        panic!("a bug in the body");
    });
    assert!(AssertUnwindSafe(body).catch_unwind().await.is_err());
    finished().await;
    witness.ended("panic");

    // step: a body that is cancelled
    let body = with_database(&path, async |db| {
        self::names(db, &witness).await?;
        Timer::after(Duration::from_secs(3600)).await;
        Ok("the body's")
    });
    let timer = async {
        Timer::after(patience).await;
        Ok("the timer's")
    };
    assert!(matches!(body.or(timer).await, Ok("the timer's")));
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
            let close = smol::spawn(connection.close());
            // A dropped task would be a cancelled one.
            CLOSING.lock().expect("no panic holds it").push(close);
        }
    }
}

// step: wait for every close under way
static CLOSING: Mutex<Vec<Task<sqlx::Result<()>>>> = Mutex::new(Vec::new());

async fn finished() {
    let closing = std::mem::take(&mut *CLOSING.lock().expect("no panic holds it"));
    for close in closing {
        close.await.expect("SQLite closes");
    }
}
