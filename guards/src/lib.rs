//! A resource that must be released: the Rust counterpart of `async with`.
//!
//! In Python, `__aexit__` runs no matter how the block ends, and it may await. In Rust, a future
//! can also be *dropped* at any `.await`. In that case the only code that runs is `Drop`, which
//! cannot await. So in `Drop`, our guard does the one thing it can do: it *starts* the close as a
//! separate task. After a value or an error, we await the close. After a panic or a cancellation,
//! dropping the guard starts the close. Either way, the same close runs, and it starts only once.
//!
//! Run with: `cargo run -p guards`

mod closing;
mod error;
pub mod plain;
pub mod serving;

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

pub use closing::finished;
use closing::{DetachOnDrop, Guard, report};
pub use error::DatabaseError;

/// Opens the SQLite database at `path`, runs `body` with it, closes the database, and returns the
/// body's result.
///
/// The body runs in the caller's own task, so it may borrow from the caller, and its value, error
/// or panic reaches the caller unchanged. The close starts exactly once, whether the body returns,
/// fails or panics, or the caller is cancelled (dropped, aborted or timed out). When this function
/// returns, the close has ended. After a panic or a cancellation, the close may still be under
/// way; [`finished`] waits for it. Cancelling does not stop a statement that SQLite is running:
/// the close waits for the end of that statement.
///
/// The file must exist. An empty file is an empty database.
///
/// # Errors
/// Returns [`DatabaseError::Open`] if the database cannot be opened, the body's own error if the
/// body fails, and [`DatabaseError::Close`] if only the close fails. If the body and the close both
/// fail, this returns the body's error, and prints the close's error to stderr.
///
/// # Panics
/// Panics outside a Tokio runtime.
///
/// ```
/// use guards::{finished, with_database};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("users.db");
/// std::fs::File::create(&path)?; // to SQLite, an empty file is an empty database
/// let tables: i64 = with_database(&path, async |db| {
///     let query = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema");
///     anyhow::Ok(query.fetch_one(db).await?)
/// })
/// .await?;
/// assert_eq!(tables, 0);
/// finished().await;
/// # anyhow::Ok(())
/// # }).unwrap();
/// ```
pub async fn with_database<T, E>(
    path: impl AsRef<Path>,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<DatabaseError>,
{
    // sqlx treats `file:...` and `:memory:` specially. It uses an absolute path unchanged.
    let absolute = std::path::absolute(&path).map_err(|error| DatabaseError::Open {
        path: path.as_ref().into(),
        source: error.into(),
    })?;
    with_connection(SqliteConnectOptions::new().filename(absolute), body).await
}

/// Does the same as [`with_database`], but with your own options, for example to open a database
/// read-only.
///
/// # Errors
/// Returns the same errors as [`with_database`].
///
/// # Panics
/// Panics outside a Tokio runtime.
///
/// ```
/// use guards::with_connection;
/// use sqlx::sqlite::SqliteConnectOptions;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("users.db");
/// # std::fs::File::create(&path)?;
/// let options = SqliteConnectOptions::new().filename(path).read_only(true);
/// let created = with_connection(options, async |db| {
///     let created = sqlx::query("CREATE TABLE users (name TEXT)").execute(db).await;
///     anyhow::Ok(created.is_ok())
/// })
/// .await?;
/// assert!(!created, "the connection is read-only");
/// # anyhow::Ok(())
/// # }).unwrap();
/// ```
pub async fn with_connection<T, E>(
    options: SqliteConnectOptions,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<DatabaseError>,
{
    // If we are dropped here, one of sqlx's threads may still be opening the file. So the opening
    // continues as a task, which then closes the database.
    let mut guard = DetachOnDrop::new(open(options), drop).await?;
    let result = body(guard.connection()).await;

    // We get here after a value or an error. A panic or a cancellation drops the guard instead,
    // which starts the same close. If we are dropped at this last `.await`, the close continues as
    // a task.
    match (result, guard.close().await) {
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(error), Err(close_error)) => {
            report(&close_error);
            Err(error)
        }
        (result, Ok(())) => result,
    }
}

async fn open(options: SqliteConnectOptions) -> Result<Guard, DatabaseError> {
    let path = options.get_filename().to_owned();
    let failed = |source| DatabaseError::Open { path: path.clone(), source };
    let mut guard = Guard::new(options.connect().await.map_err(failed)?, path.clone());
    // SQLite reads the file only when it has to. This query makes SQLite read the file now. If the
    // file is not a database, we report that here, with the file's name, and not in the middle of
    // the body.
    let check =
        sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(guard.connection()).await;
    match check {
        Ok(_) => Ok(guard),
        Err(error) => {
            // If the close fails too, its error would tell the caller nothing new.
            let _ = guard.close().await;
            Err(failed(error))
        }
    }
}

/// Runs `body` in a transaction. Commits if the body returns a value; rolls back if it fails or
/// panics, or if the caller is cancelled.
///
/// After a panic or a cancellation, the rollback is the next thing that happens on `db`, before
/// your next statement and before the close. If the caller is cancelled during the commit, the
/// transaction may or may not have been committed.
///
/// After some errors, SQLite rolls back on its own, for example if the disk is full or if the
/// statement says `OR ROLLBACK`. If the body ignores such an error, the body's later statements run
/// outside any transaction, and this function returns [`DatabaseError::Commit`] at the end.
///
/// # Errors
/// Returns the body's error if the body fails. Returns [`DatabaseError::Begin`] if the transaction
/// cannot begin, [`DatabaseError::Nested`] if a transaction is already under way on this
/// connection, and [`DatabaseError::Commit`] if the body succeeds and the commit fails. If the body
/// and the rollback both fail, this returns the body's error, and prints the rollback's error to
/// stderr.
///
/// ```
/// use guards::{with_database, with_transaction};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("users.db");
/// # std::fs::File::create(&path)?;
/// with_database(&path, async |db| {
///     with_transaction(db, async |db| {
///         sqlx::query("CREATE TABLE users (name TEXT)").execute(&mut *db).await?;
///         sqlx::query("INSERT INTO users VALUES ('Ada')").execute(db).await?;
///         anyhow::Ok(()) // SQLite keeps either both changes or neither
///     })
///     .await
/// })
/// .await
/// # }).unwrap();
/// ```
pub async fn with_transaction<T, E>(
    db: &mut SqliteConnection,
    body: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<DatabaseError>,
{
    // Inside a transaction, `begin` would create a savepoint. If we were dropped while the
    // savepoint was being created, sqlx would roll back the outer transaction.
    if db.is_in_transaction() {
        return Err(DatabaseError::Nested.into());
    }
    // `BEGIN IMMEDIATE` acquires the write lock at the start. After a plain `BEGIN`, the first
    // write acquires it, and that write fails without waiting if another connection has written
    // since our first read. `begin_with` returns sqlx's own guard. When that guard is dropped, it
    // sends a rollback, but does not wait for it.
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await.map_err(DatabaseError::Begin)?;
    match body(&mut transaction).await {
        Ok(value) => {
            transaction.commit().await.map_err(DatabaseError::Commit)?;
            Ok(value)
        }
        Err(error) => {
            // SQLite may have rolled back on its own, without sqlx knowing. In that case, this
            // statement begins a new transaction, so that sqlx has something to roll back.
            // Otherwise, SQLite refuses the statement, and nothing changes.
            let _ = sqlx::raw_sql("BEGIN").execute(&mut *transaction).await;
            if let Err(rollback_error) = transaction.rollback().await {
                report(&DatabaseError::Rollback(rollback_error));
            }
            Err(error)
        }
    }
}
