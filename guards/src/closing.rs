//! What has to be brought to its end although its caller is gone: the rest of an opening, and the
//! close. A task of its own does that, and is counted until it is over.

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

/// Waits until every close is over whose caller is gone. Call it before `main` returns: the end of the
/// runtime drops tasks where they stand, and the program would end with the database open.
///
/// A close is under way from the moment its guard is dropped. To wait for a task that was aborted,
/// await its handle first, then this. Dropping the future changes nothing.
///
/// It waits for all runtimes of the process: one that nobody runs any more never finishes its own. A
/// close that fails is over, too; sqlx then lets go of the connection, at a moment of its own.
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

/// A future that goes on when it is dropped. As long as somebody awaits it, it is polled there, like
/// any other, which costs nothing. Dropped halfway, its rest becomes a task.
pub(crate) struct Anyway<T: Send + 'static> {
    /// `None` when it is over.
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    /// What to do with a result that nobody has waited for.
    unheard: fn(T),
    /// The runtime it was made on. A future may be dropped outside of any.
    on: Handle,
}

impl<T: Send + 'static> Anyway<T> {
    /// To be called on a runtime.
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static, unheard: fn(T)) -> Self {
        Self { future: Some(Box::pin(future)), unheard, on: Handle::current() }
    }
}

impl<T: Send + 'static> Future for Anyway<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let future = self.future.as_mut().expect("not polled after its end");
        let result = future.as_mut().poll(context);
        if result.is_ready() {
            self.future = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for Anyway<T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            let (unheard, under_way) = (self.unheard, UnderWay::new());
            self.on.spawn(async move {
                unheard(future.await);
                drop(under_way);
            });
        }
    }
}

/// Holds an open connection and sees to it that its close is started.
pub(crate) struct Guard {
    /// `None` once the close has started: it starts once.
    connection: Option<SqliteConnection>,
    path: PathBuf,
    /// The runtime it was opened on.
    on: Handle,
}

impl Guard {
    /// Guards a connection from here on. To be called on a runtime.
    pub(crate) fn new(connection: SqliteConnection, path: PathBuf) -> Self {
        Self { connection: Some(connection), path, on: Handle::current() }
    }

    /// What is guarded.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("open until it is closed")
    }

    /// The close. It takes place also when this is dropped; an error that nobody hears goes to stderr.
    pub(crate) fn close(mut self) -> Anyway<Result<(), DatabaseError>> {
        self.start_close().expect("not closed before")
    }

    fn start_close(&mut self) -> Option<Anyway<Result<(), DatabaseError>>> {
        let connection = self.connection.take()?;
        let path = std::mem::take(&mut self.path);
        let close = async move {
            connection.close().await.map_err(|source| DatabaseError::Close { path, source })
        };
        let _on = self.on.enter();
        Some(Anyway::new(close, |closed| closed.unwrap_or_else(|unheard| report(&unheard))))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Dropped, too: and so it goes on as a task.
        drop(self.start_close());
    }
}

/// Says on stderr what no caller is left to hear.
pub(crate) fn report(error: &DatabaseError) {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(io::stderr(), "{error}: {source}");
}
