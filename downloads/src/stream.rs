//! Moves bytes from the socket to the disk, with back-pressure.
//!
//! Sockets are asynchronous, and file systems are not: a write to a file blocks its thread. So one
//! task reads the socket, and one thread writes to the disk. Between them is a channel with room
//! for a few pieces:
//!
//! ```text
//!  server ──► socket ──► task ──► [ channel: at most 8 pieces ] ──► thread ──► disk
//! ```
//!
//! What happens if the disk is slower than the network? The channel fills up, and `send` waits.
//! While the task waits, it does not read the socket. The socket's buffer fills up, and the system
//! tells the server to send no more. This is called *back-pressure*: the slowest part sets the
//! pace for all others, and memory use does not grow with the size of the file.
//!
//! Python would do the same with `asyncio.Queue(8)` and `asyncio.to_thread`.

use std::panic::resume_unwind;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::DownloadError;
use crate::pace::Reader;

/// How many pieces may wait for the disk. A few pieces keep both sides busy. More would only use
/// memory.
const PIECES: usize = 8;

/// Reads a body, and passes the pieces to `write`, which runs on a thread that may
/// block. Calls `received` with the length of each piece. Returns the result of `write`, and
/// whether the whole body was received.
///
/// If `write` stops before the end of the body, the rest of the body is not read. If the future is
/// dropped, `write` still gets the pieces that were received by then.
pub(crate) async fn stream<T: Send + 'static>(
    mut body: Reader<'_>,
    mut received: impl FnMut(usize),
    write: impl FnOnce(Pieces) -> T + Send + 'static,
) -> (T, Result<(), DownloadError>) {
    let (pieces, to_write) = mpsc::channel(PIECES);
    let writer = spawn_blocking(move || write(Pieces(to_write)));
    let read = loop {
        match body.next().await {
            Ok(Some(bytes)) => {
                received(bytes.len());
                if pieces.send(bytes).await.is_err() {
                    break Ok(()); // the writer has stopped, and its result says why
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // This closes the channel. The writer still receives the pieces that are in the channel, and
    // then its iterator ends.
    drop(pieces);
    let written = writer.await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()));
    (written, read)
}

/// The pieces of a body. Waiting for the next piece blocks the thread.
pub(crate) struct Pieces(mpsc::Receiver<Bytes>);

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.0.blocking_recv()
    }
}

/// Runs a closure that may block, on a thread that is allowed to block.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))
}
