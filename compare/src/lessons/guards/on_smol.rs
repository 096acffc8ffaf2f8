//! `guards` on smol, with sqlx.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smol::Timer;
use smol::channel::{self, Receiver};
use smol::future::FutureExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};

use super::{Answer, FILL, Input, Witness};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input.path)).expect("the database works")
}

async fn lesson(path: PathBuf) -> sqlx::Result<Answer> {
    let witness = Witness::of(&path);

    // step: a body that returns a value
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
    // We catch the panic where we await the body. The body is not a task, so it can borrow
    // variables.
    let body = with_database(&path, async |db| -> sqlx::Result<()> {
        self::names(db, &witness).await?;
        panic!("a bug in the body");
    });
    assert!(AssertUnwindSafe(body).catch_unwind().await.is_err());
    finished().await;
    witness.ended("panic");

    // step: a body that is cancelled
    // The body signals when it is halfway through, and then `or` drops it. `or` always polls the
    // body first.
    let (signal, receiver) = channel::bounded(1);
    let body = with_database(&path, async |db| {
        self::names(db, &witness).await?;
        signal.send("halfway").await.expect("we listen");
        Timer::after(Duration::from_secs(3600)).await;
        Ok("ended")
    });
    let halfway = async { Ok(receiver.recv().await.expect("the body signals")) };
    assert!(matches!(body.or(halfway).await, Ok("halfway")));
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
    let connection = Some(options.connect().await?);
    let mut guard = Guard { connection };
    let result = body(guard.connection.as_mut().expect("still open")).await;
    drop(guard);
    finished().await;
    result
}

// step: a guard whose drop starts the close
struct Guard {
    connection: Option<SqliteConnection>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nothing in this function may panic. A panic during another panic aborts the program.
        let Some(connection) = self.connection.take() else { return };
        let (closed, closing) = channel::bounded(1);
        closes().push(closing);
        let close = smol::spawn(async move {
            report(connection.close().await);
            drop(closed);
        });
        // Without this, dropping the handle would cancel the task.
        close.detach();
    }
}

fn report(result: sqlx::Result<()>) {
    if let Err(error) = result {
        eprintln!("cannot close the database: {error}");
    }
}

// step: wait for every close in progress
static CLOSING: Mutex<Vec<Receiver<()>>> = Mutex::new(Vec::new());

fn closes() -> MutexGuard<'static, Vec<Receiver<()>>> {
    CLOSING.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn finished() {
    // Wait on a copy of the list, so that the list stays complete for other callers if this caller
    // is dropped while it waits.
    let closing = closes().clone();
    for close in closing {
        // This returns an error when the sender is dropped, which means that the close has
        // finished.
        let _ = close.recv().await;
    }
}
