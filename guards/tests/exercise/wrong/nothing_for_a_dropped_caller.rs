//! Has no `Drop`.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::LazyLock;

use futures_util::FutureExt;
use tokio::fs::remove_dir_all;
use tokio_util::task::TaskTracker;

/// The tasks that remove the folders of dropped callers.
static IN_THE_BACKGROUND: LazyLock<TaskTracker> = LazyLock::new(|| {
    let tasks = TaskTracker::new();
    tasks.close(); // `wait` returns only if the tracker is closed, which does not refuse tasks
    tasks
});

/// Creates an empty temporary folder, runs the body with its path, and removes the folder with
/// everything in it, however the body ends. Returns the body's value.
pub async fn with_folder<T, F>(body: impl FnOnce(PathBuf) -> F) -> io::Result<T>
where
    F: Future<Output = T>,
{
    let mut folder = Folder { path: tempfile::tempdir()?.keep(), is_removed: false };
    // The body is declared after the folder, so it is dropped before it.
    let ended = AssertUnwindSafe(body(folder.path.clone())).catch_unwind().await;
    let removed = folder.remove().await;
    match ended {
        Ok(value) => removed.map(|()| value),
        Err(panic) => resume_unwind(panic),
    }
}

/// Waits until the folders of all callers that were dropped are gone.
pub async fn finished() {
    IN_THE_BACKGROUND.wait().await;
}

struct Folder {
    path: PathBuf,
    is_removed: bool,
}

impl Folder {
    async fn remove(&mut self) -> io::Result<()> {
        let removed = remove_dir_all(&self.path).await;
        // If this future is dropped before this line, `drop` removes what is left.
        self.is_removed = true;
        match removed {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {}
}
