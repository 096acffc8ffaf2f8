//! Your folder that is always removed. `cargo exercise guards` checks it, step by step.
//!
//! You need: `tempfile`, `tokio::fs`, a struct with a `drop` method, and a task.
#![allow(dead_code, unused_variables, clippy::todo, reason = "the learner fills this in")]

use std::io;
use std::path::PathBuf;

/// Creates an empty temporary folder, runs the body with its path, and removes the folder with
/// everything in it, however the body ends. Returns the body's value.
///
/// If the body panics, the panic continues after the folder is gone. If this future is dropped, the
/// body is dropped first, and then the folder is removed in the background: see [`finished`].
///
/// # Errors
/// Fails if the folder cannot be created or removed. A folder that is gone already is no error.
pub async fn with_folder<T, F>(body: impl FnOnce(PathBuf) -> F) -> io::Result<T>
where
    F: Future<Output = T>,
{
    todo!("make the folder, run the body, and remove the folder")
}

/// Waits until the folders of all callers that were dropped are gone.
pub async fn finished() {
    todo!("wait for what happens in the background")
}
