//! A resource that must be released: what `async with` becomes.
//!
//! Python runs `__aexit__` however the block ends, and awaits it. In Rust a future can also be
//! *dropped* at any `.await`, which runs no code but `Drop`, and `Drop` cannot await. So the guard
//! here does in `Drop` the one thing it may: it *starts* the close, as a task of its own. After a
//! value or an error the close is awaited; after a panic or a cancellation, dropping the guard starts
//! it. Either way it is the same close, and starts once.
//!
//! Run with: `cargo run -p guards`

mod closing;
mod error;
pub mod plain;

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

pub use closing::finished;
use closing::{Anyway, Guard, report};
pub use error::DatabaseError;

/// Opens the SQLite database at `path`, runs `body` with it, closes it, and returns what the body
/// returned.
///
/// The body runs in the caller's own task, so it may borrow from the caller, and its value, error
/// or panic comes through unchanged. The close starts exactly once, whether the body returns,
/// fails or panics, or the caller is cancelled: dropped, aborted, out of time. When this function
/// returns, the close is over; after a panic or a cancellation it may still be under way, and
/// [`finished`] waits for it. Cancelling does not stop a statement that SQLite is running: the
/// close waits for its end.
///
/// The file must exist; an empty one is an empty database.
///
/// # Errors
/// The body's own error; else [`DatabaseError`]. Where both the body and the close fail, the
/// body's error is returned, and that of the close goes to stderr.
///
/// # Panics
/// Outside a Tokio runtime.
pub async fn with_database<T, E>(
    path: impl AsRef<Path>,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<DatabaseError>,
{
    // An absolute path is a path; sqlx would take `file:...` and `:memory:` for something else.
    let absolute = std::path::absolute(&path).map_err(|error| DatabaseError::Open {
        path: path.as_ref().into(),
        source: error.into(),
    })?;
    with_connection(SqliteConnectOptions::new().filename(absolute), body).await
}

/// The same, for whoever needs a database opened in another way: for reading only, say.
///
/// # Errors
/// As [`with_database`].
///
/// # Panics
/// Outside a Tokio runtime.
pub async fn with_connection<T, E>(
    options: SqliteConnectOptions,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<DatabaseError>,
{
    // Dropped halfway, the file would be opened all the same, by a thread of sqlx.
    let mut guard = Anyway::new(open(options), drop).await?;
    let result = body(guard.connection()).await;

    // Reached with a value or an error; a panic or a cancellation drops the guard instead, which starts
    // the same close. Dropped at this last `.await`, it goes on.
    match (result, guard.close().await) {
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(error), Err(unheard)) => {
            report(&unheard);
            Err(error)
        }
        (result, Ok(())) => result,
    }
}

async fn open(options: SqliteConnectOptions) -> Result<Guard, DatabaseError> {
    let path = options.get_filename().to_owned();
    let failed = |source| DatabaseError::Open { path: path.clone(), source };
    let mut guard = Guard::new(options.connect().await.map_err(failed)?, path.clone());
    // SQLite looks at the file only when it must. It must now: a file that is no database should
    // fail here, under its name, and not in the middle of the body.
    let look =
        sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(guard.connection()).await;
    match look {
        Ok(_) => Ok(guard),
        Err(error) => {
            // That it cannot be closed either is no news.
            let _ = guard.close().await;
            Err(failed(error))
        }
    }
}

/// Runs `body` in a transaction: commits when it returns a value, and rolls back when it fails or
/// panics, or the caller is cancelled.
///
/// After a panic or a cancellation the rollback is the next thing that happens on `db`, ahead of
/// whatever is asked of it then; also of its close. Cancelled during the commit, the transaction may
/// have been committed.
///
/// Some errors make SQLite roll back by itself (a full disk, `OR ROLLBACK`). A body that goes on after
/// one is outside of any transaction, and gets [`DatabaseError::Commit`] in the end.
///
/// # Errors
/// The body's own error; else [`DatabaseError`]. Where both the body and the rollback fail, the body's
/// error is returned, and that of the rollback goes to stderr.
pub async fn with_transaction<T, E>(
    db: &mut SqliteConnection,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<DatabaseError>,
{
    // sqlx would make a savepoint. Dropped while that begins, it rolls back all around it.
    if db.is_in_transaction() {
        return Err(DatabaseError::Nested.into());
    }
    // It has the right to write from the start. SQLite's plain `BEGIN` takes it with the first write,
    // and fails at once, without waiting, where somebody else has written since the first read.
    // What it returns is sqlx's own guard: dropped, it sends a rollback, without waiting for it.
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await.map_err(DatabaseError::Begin)?;
    match body(&mut transaction).await {
        Ok(value) => {
            transaction.commit().await.map_err(DatabaseError::Commit)?;
            Ok(value)
        }
        Err(error) => {
            // Where SQLite has rolled back by itself, sqlx does not know. Then there must be one that
            // can be rolled back again. Else this is refused, and does nothing.
            let _ = sqlx::raw_sql("BEGIN").execute(&mut *transaction).await;
            if let Err(unheard) = transaction.rollback().await {
                report(&DatabaseError::Rollback(unheard));
            }
            Err(error)
        }
    }
}
