//! Finishes an opening or a close even if the caller is cancelled in the middle of it.
//!
//! `Drop` cannot await, but it can start a task. That is what [`DetachOnDrop`] does. It wraps a
//! future. As long as a caller awaits the wrapper, the wrapper behaves exactly like that future. If
//! the wrapper is dropped halfway, it moves the unfinished future into a task, and [`finished`]
//! waits for that task. Here is what happens to a database whose caller is cancelled in the middle
//! of the body:
//!
//! ```text
//! the caller's future     is dropped, with the body and the guard in it
//! Guard::drop             takes the connection, creates the close future, and drops it immediately
//! DetachOnDrop::drop      increments the count of closes under way, and spawns the close future
//! the task                closes the database, reports any error on stderr, decrements the count
//! finished().await        returns when the count is zero
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::DatabaseError;

/// Waits for every close that a `Drop` has started. Call this before `main` returns. Otherwise the
/// runtime shuts down and drops the tasks of these closes, and the program ends with the database
/// open.
///
/// A close is under way from the moment its guard is dropped. If you have aborted a task, await its
/// handle before you call this, because `abort` does not wait until the task's guards are dropped.
/// Dropping the future that this function returns has no effect on the closes.
///
/// This waits for the closes on all runtimes of the process. If one of these runtimes has a close
/// under way but nobody drives that runtime any more, this never returns. A close that fails counts
/// as ended, although sqlx releases the connection a little later.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // ... at the end of main:
/// guards::finished().await;
/// # })
/// ```
pub async fn finished() {
    // This fails only if the sender is dropped, and a static is never dropped.
    let _ = UNDER_WAY.subscribe().wait_for(|count| *count == 0).await;
}

/// The number of detached futures that are under way.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Counts one detached future until this value is dropped. The value is also dropped if the
/// future's task panics or is dropped.
struct Counted;

impl Counted {
    fn new() -> Self {
        UNDER_WAY.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|count| *count -= 1);
    }
}

/// A future that continues as a task if it is dropped before it is finished. (`asyncio.shield`
/// does the same for a coroutine whose caller is cancelled.)
pub(crate) struct DetachOnDrop<T: Send + 'static> {
    /// The future, or `None` once it is finished.
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    /// Receives the result if the caller was dropped.
    orphaned: fn(T),
    /// The runtime on which this future was created. We store it because a future may be dropped
    /// outside any runtime.
    runtime: Handle,
}

impl<T: Send + 'static> DetachOnDrop<T> {
    /// Wraps a future. Panics outside a Tokio runtime.
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static, orphaned: fn(T)) -> Self {
        Self { future: Some(Box::pin(future)), orphaned, runtime: Handle::current() }
    }
}

impl<T: Send + 'static> Future for DetachOnDrop<T> {
    type Output = T;

    /// Polls the inner future, and drops it when it is finished, so that `drop` has nothing to do.
    ///
    /// The inner future is boxed, so it does not move even if this value moves. That is why we may
    /// use a plain `&mut` to our fields here: no field of this struct has to stay where it is.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let future = self.future.as_mut().expect("polled after completion");
        let result = future.as_mut().poll(context);
        if result.is_ready() {
            self.future = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for DetachOnDrop<T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            let (orphaned, counted) = (self.orphaned, Counted::new());
            self.runtime.spawn(async move {
                orphaned(future.await);
                drop(counted);
            });
        }
    }
}

/// Owns an open connection, and starts its close when it is dropped.
pub(crate) struct Guard {
    /// The connection, or `None` once the close has started. That way, the close starts only once.
    connection: Option<SqliteConnection>,
    path: PathBuf,
    /// The runtime on which the connection was opened.
    runtime: Handle,
}

impl Guard {
    /// Creates a guard for a connection. Panics outside a Tokio runtime.
    pub(crate) fn new(connection: SqliteConnection, path: PathBuf) -> Self {
        Self { connection: Some(connection), path, runtime: Handle::current() }
    }

    /// Returns the connection. Panics once the close has started.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("the close has already started")
    }

    /// Closes the connection. If the returned future is dropped, the close continues as a task,
    /// and if that close fails, its error is printed to stderr.
    pub(crate) fn close(mut self) -> DetachOnDrop<Result<(), DatabaseError>> {
        self.start_close().expect("the close has already started")
    }

    fn start_close(&mut self) -> Option<DetachOnDrop<Result<(), DatabaseError>>> {
        let connection = self.connection.take()?;
        let path = std::mem::take(&mut self.path);
        let close = async move {
            connection.close().await.map_err(|source| DatabaseError::Close { path, source })
        };
        let _on_its_runtime = self.runtime.enter();
        Some(DetachOnDrop::new(close, |result| result.unwrap_or_else(|error| report(&error))))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Dropping the close future immediately makes the close continue as a task.
        drop(self.start_close());
    }
}

/// Reports an error on stderr if no caller is left to receive it.
pub(crate) fn report(error: &DatabaseError) {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(io::stderr(), "{error}: {source}");
}
