//! A server that stops gracefully: the Rust counterpart of `asyncio.start_server` and its shutdown.
//!
//! Two things have to be released here: the listener, and every connection that was accepted. A
//! [`CancellationToken`] tells the tasks to stop, and a [`TaskTracker`] knows when all of them have ended.

use std::io;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Accepts connections, and handles each in a task of its own, until `stop` is cancelled. Then it accepts no
/// more, and returns when the connections it has accepted are all handled.
///
/// Each handler gets a child of `stop`. Cancelling `stop` cancels all its children, so a handler can select
/// on its token and end early. Cancelling a child affects no other. That makes a tree, as with the cancel
/// scopes of anyio. But a token only *tells* a task to stop, and the task decides what to do. Dropping a
/// future is final, and nothing in it can catch that.
///
/// If the future is dropped, nothing more is accepted, and the tasks continue.
///
/// # Errors
/// Returns the error if a connection cannot be accepted. The tasks continue then, too.
pub async fn serve<F>(
    listener: TcpListener,
    stop: CancellationToken,
    handle: impl Fn(TcpStream, CancellationToken) -> F,
) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    loop {
        tokio::select! {
            biased; // after `stop`, it accepts nothing more
            () = stop.cancelled() => break,
            accepted = listener.accept() => {
                let (connection, _) = accepted?;
                tasks.spawn(handle(connection, stop.child_token()));
            }
        }
    }
    drop(listener); // from here on, a new client is refused instead of kept waiting
    tasks.close();
    tasks.wait().await;
    Ok(())
}
