//! A resource that must be released: what `async with` becomes.
//!
//! Python runs `__aexit__` however the block ends, and awaits it. In Rust a future can also be
//! *dropped* at any `.await`, which runs no code but `Drop`, and `Drop` cannot await. So the guard
//! here does in `Drop` the one thing it may: it *starts* the close, as a task of its own. After a
//! value or an error the close is started and awaited; after a panic or a cancellation, dropping the
//! guard starts it. Either way it is the same close, and starts once.
//!
//! Run with: `cargo run -p guards`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// Why a database could not be opened or closed.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The file is missing, unreadable, or no SQLite database.
    #[error("{}: cannot open the database", path.display())]
    Open {
        /// The file asked for.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The body was done, and closing failed.
    #[error("{}: cannot close the database", path.display())]
    Close {
        /// The file that was open.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
}

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
    let path = path.as_ref();
    let failed = |source| DatabaseError::Open { path: path.into(), source };
    // Dropped while it opens: sqlx gives the half-open connection up by itself.
    let connection = open(path).await.map_err(failed)?;

    let mut guard =
        Guard { connection: Some(connection), path: path.into(), on: Handle::current() };
    let result = body(guard.connection.as_mut().expect("open until it is closed")).await;

    // Reached with a value or an error; a panic or a cancellation drops the guard instead. Dropped
    // at this last `.await`, the close goes on: it is a task of its own by now.
    match (result, guard.start_close().expect("not closed before").await) {
        (Ok(_), Ok(Err(error))) => Err(error.into()),
        (Err(error), Ok(Err(unheard))) => {
            report(&unheard);
            Err(error)
        }
        // The outer `Err`: the runtime is shutting down and has dropped the close.
        (result, Ok(Ok(())) | Err(_)) => result,
    }
}

/// Waits until every close under way is over. Call it before `main` returns: the end of the runtime
/// drops tasks where they stand, and the program would end with the database open.
///
/// A close is under way from the moment its guard is dropped. To wait for a task that was aborted,
/// await its handle first, then this. Dropping the future changes nothing.
pub async fn finished() {
    // An error would mean that the sender is gone; a static never goes.
    let _ = CLOSING.subscribe().wait_for(|closing| *closing == 0).await;
}

/// How many closes are under way.
static CLOSING: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Counts one close under way for as long as it lives, also where its task is dropped or panics.
struct UnderWay;

impl UnderWay {
    fn new() -> Self {
        CLOSING.send_modify(|closing| *closing += 1);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        CLOSING.send_modify(|closing| *closing -= 1);
    }
}

/// Holds an open connection and sees to it that its close is started.
struct Guard {
    /// `None` once the close has started: it starts once.
    connection: Option<SqliteConnection>,
    path: PathBuf,
    /// The runtime it was opened on. A future may be dropped outside of any.
    on: Handle,
}

impl Guard {
    /// Starts the close as a task of its own, where nothing can cancel it, and returns where its
    /// result can be heard.
    fn start_close(&mut self) -> Option<oneshot::Receiver<Result<(), DatabaseError>>> {
        let connection = self.connection.take()?;
        let path = std::mem::take(&mut self.path);
        let under_way = UnderWay::new();
        let (result, heard) = oneshot::channel();
        self.on.spawn(async move {
            let closed = connection.close().await;
            let closed = closed.map_err(|source| DatabaseError::Close { path, source });
            // After a panic or a cancellation nobody listens.
            if let Err(Err(unheard)) = result.send(closed) {
                report(&unheard);
            }
            drop(under_way);
        });
        Some(heard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.start_close();
    }
}

async fn open(path: &Path) -> sqlx::Result<SqliteConnection> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    // SQLite looks at the file only when it must. It must now: a file that is no database should
    // fail here, under its name, and not in the middle of the body.
    sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
    Ok(connection)
}

/// Says on stderr what no caller is left to hear.
fn report(error: &DatabaseError) {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(io::stderr(), "{error}: {source}");
}
