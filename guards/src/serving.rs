//! A server that stops gracefully: the Rust counterpart of `asyncio.start_server` and its shutdown.
//!
//! The server has to release two things: the listener, and every connection it has accepted. A
//! [`CancellationToken`] tells the tasks to stop, and a [`TaskTracker`] knows when all of them
//! have ended.

use std::io;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Accepts connections, and handles each in a separate task, until `stop` is cancelled. After that,
/// the server accepts no more connections, and this function returns when all accepted connections
/// have been handled.
///
/// Each handler gets a child of `stop`. Cancelling `stop` cancels all its children, so a handler
/// can select on its token and end early. Cancelling a child cancels neither its parent nor its
/// siblings. So tokens form a tree, like anyio's cancel scopes. But a token only *tells* a task to
/// stop, and the task decides what to do. Dropping a future, by contrast, is final: no code inside
/// the future can catch the cancellation.
///
/// If the future that `serve` returns is dropped, the server accepts no more connections, but the
/// handlers continue.
///
/// # Errors
/// Returns the error if accepting a connection fails. In that case, too, the handlers continue.
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
            biased; // once `stop` is cancelled, accept no more connections
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
