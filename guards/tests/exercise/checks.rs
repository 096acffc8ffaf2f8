//! The exercise's steps and their checks. The same checks run on your code, on our solution, and on
//! a gallery of correct and wrong solutions.

use std::fs;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use crate::runner::{Seen, Step, expect, on_the_real_clock};

/// The functions that the exercise asks for.
pub trait Guards {
    fn with_folder<T: Send, F: Future<Output = T> + Send>(
        body: impl FnOnce(PathBuf) -> F + Send,
    ) -> impl Future<Output = io::Result<T>> + Send;
    fn finished() -> impl Future<Output = ()> + Send;
}

/// Returns the steps for one set of functions.
pub const fn steps<G: Guards>() -> [Step; 6] {
    [
        Step {
            does: "the body gets an empty folder of its own",
            task: "In `with_folder`, create a folder with a new name, call the body with its path, \
                   await it, and return its value.",
            check: made::<G>,
            hints: &[
                "`tempfile::Builder::new().tempdir()` makes a folder with a new name. Its `keep()` \
                 returns the path, and leaves the removing to you.",
                "`body(path)` makes a future, and `.await` runs it.",
                "README, \"The Rust way\".",
            ],
        },
        Step {
            does: "the folder is gone when the function returns",
            task: "Remove the folder with everything in it, after the body and before you return.",
            check: removed::<G>,
            hints: &[
                "`tokio::fs::remove_dir_all` removes a folder with everything in it.",
                "If you spawn a task for it, who waits for that task?",
                "README, \"Somebody has to wait for the close\".",
            ],
        },
        Step {
            does: "a panic of the body passes through, and the folder is gone",
            task: "Catch the panic, remove the folder, and let the panic continue.",
            check: panics::<G>,
            hints: &[
                "`catch_unwind` of `futures_util::FutureExt` turns a panic of a future into an `Err`. \
                 It asks for `AssertUnwindSafe` around the future.",
                "`std::panic::resume_unwind` continues a panic that was caught.",
                "README, \"A body has four exits\".",
            ],
        },
        Step {
            does: "if the caller is dropped, the folder goes after the body",
            task: "A future that is dropped runs no more code, except `Drop`. Put the removing there, \
                   in case nothing else gets to it.",
            check: cancelled::<G>,
            hints: &[
                "A small struct with the path and a `drop` method covers this exit.",
                "`drop` cannot await. It can start a task that removes the folder: \
                 `tokio::spawn`, or a `tokio_util::task::TaskTracker`.",
                "The body may still use the folder while it is dropped. Local variables are dropped in \
                 the reverse order of their declaration.",
                "README, \"`Drop` cannot await\".",
            ],
        },
        Step {
            does: "`finished` waits for the folders of dropped callers",
            task: "Keep track of the tasks that remove folders, and wait for all of them in `finished`.",
            check: finishes::<G>,
            hints: &[
                "A `static` can hold a `TaskTracker`, in a `std::sync::LazyLock`.",
                "`wait` of a `TaskTracker` returns only after `close` was called. A closed tracker \
                 still accepts tasks.",
                "README, \"Somebody has to wait for the close\".",
            ],
        },
        Step {
            does: "a folder that cannot be removed is an error",
            task: "Return the error of removing the folder. But if the folder is gone already, \
                   everything is fine.",
            check: errors::<G>,
            hints: &[
                "`io::Error::kind` tells the reasons apart. `ErrorKind::NotFound` means that the folder \
                 is gone.",
                "If the body has panicked, the panic matters more than this error.",
                "README, \"A commit can fail\".",
            ],
        },
    ]
}

fn fill(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder.join("inner"))?;
    fs::write(folder.join("inner/file"), "contents")?;
    fs::write(folder.join("file"), "contents")
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn made<G: Guards>() -> Seen {
    on_the_real_clock(async {
        let look = |path: PathBuf| async move {
            let names = fs::read_dir(&path).map(|entries| entries.count());
            sleep(Duration::from_millis(20)).await;
            (path, names.map_err(text))
        };
        let (one, other) = tokio::join!(G::with_folder(look), G::with_folder(look));
        let ((one, inside), (other, _)) = (one.map_err(text)?, other.map_err(text)?);
        expect(inside == Ok(0), || {
            format!(
                "The body looked into {}: expected an empty folder, seen {inside:?}.",
                one.display()
            )
        })?;
        expect(one != other, || {
            format!("Two bodies at once got the same folder, {}.", one.display())
        })
    })
}

fn removed<G: Guards>() -> Seen {
    on_the_real_clock(async {
        let value = G::with_folder(|path| async move {
            let filled = fill(&path);
            (path, filled)
        })
        .await;
        let (path, filled) = value.map_err(text)?;
        filled.map_err(text)?;
        gone(&path, "The body returned a value")?;
        let failed: io::Result<Result<(), PathBuf>> =
            G::with_folder(|path| async { Err(path) }).await;
        let path = failed.map_err(text)?.err().unwrap_or_default();
        gone(&path, "The body returned an error")
    })
}

fn gone(path: &Path, when: &str) -> Seen {
    expect(!path.exists(), || {
        let left = fs::read_dir(path).map_or(0, |entries| entries.count());
        format!("{when}, and {} is still there, with {left} entries.", path.display())
    })
}

fn panics<G: Guards>() -> Seen {
    on_the_real_clock(async {
        let seen: Arc<Mutex<PathBuf>> = Arc::default();
        let inner = Arc::clone(&seen);
        let body = |path: PathBuf| async move {
            *inner.lock().unwrap_or_else(PoisonError::into_inner) = path;
            tokio::task::yield_now().await;
            panic!("a bug in the body");
        };
        let result: Result<io::Result<()>, _> =
            AssertUnwindSafe(G::with_folder(body)).catch_unwind().await;
        let path = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let message = match &result {
            Ok(value) => Err(format!("{value:?}")),
            Err(panic) => Ok(panic.downcast_ref::<&str>().copied().unwrap_or("another panic")),
        };
        expect(message == Ok("a bug in the body"), || {
            format!("The body panicked with \"a bug in the body\", and the caller saw {message:?}.")
        })?;
        gone(&path, "The body panicked")
    })
}

/// Records, when it is dropped, whether the folder is still there.
struct LastLook(PathBuf, Arc<Mutex<Option<bool>>>);

impl Drop for LastLook {
    fn drop(&mut self) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.0.join("file").exists());
    }
}

/// Runs a body that never ends, drops it, and returns the path of its folder.
async fn dropped<G: Guards>() -> Result<PathBuf, String> {
    let seen: Arc<Mutex<PathBuf>> = Arc::default();
    let last_look: Arc<Mutex<Option<bool>>> = Arc::default();
    let (inner, look) = (Arc::clone(&seen), Arc::clone(&last_look));
    let body = |path: PathBuf| async move {
        let filled = fill(&path);
        *inner.lock().unwrap_or_else(PoisonError::into_inner) = path.clone();
        let _look = LastLook(path, look);
        std::future::pending::<io::Result<()>>().await.and(filled)
    };
    let result = timeout(Duration::from_millis(50), G::with_folder(body)).await;
    expect(result.is_err(), || "The body never ends, and `with_folder` has returned.".into())?;
    let path = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let last_look = *last_look.lock().unwrap_or_else(PoisonError::into_inner);
    match last_look {
        Some(true) => Ok(path),
        Some(false) => {
            Err("The folder was removed before the body was dropped. The body may still need it."
                .into())
        }
        None => Err("The caller was dropped, and the body is still running.".into()),
    }
}

fn cancelled<G: Guards>() -> Seen {
    on_the_real_clock(async {
        let path = dropped::<G>().await?;
        for _ in 0..200 {
            if !path.exists() {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        gone(&path, "The caller was dropped")
    })
}

fn finishes<G: Guards>() -> Seen {
    on_the_real_clock(async {
        for _ in 0..20 {
            let paths = tokio::join!(dropped::<G>(), dropped::<G>(), dropped::<G>());
            let paths = [paths.0?, paths.1?, paths.2?];
            let finished = timeout(Duration::from_secs(3), G::finished()).await;
            expect(finished.is_ok(), || "After 3 s, `finished` was still waiting.".into())?;
            for path in paths {
                gone(&path, "Three callers were dropped, `finished` has returned")?;
            }
        }
        let again = timeout(Duration::from_secs(3), G::finished()).await;
        expect(again.is_ok(), || "There is nothing to wait for, but `finished` is waiting.".into())
    })
}

fn errors<G: Guards>() -> Seen {
    on_the_real_clock(async {
        let result = G::with_folder(|path| async move { fs::remove_dir(path).map_err(text) }).await;
        expect(matches!(result, Ok(Ok(()))), || {
            format!("The body removed the folder itself. The result is {result:?}: expected Ok.")
        })?;
        let seen: Arc<Mutex<PathBuf>> = Arc::default();
        let inner = Arc::clone(&seen);
        let result = G::with_folder(|path| async move {
            // A file in place of the folder, so that it cannot be removed as one.
            let swapped = fs::remove_dir(&path).and_then(|()| fs::write(&path, ""));
            *inner.lock().unwrap_or_else(PoisonError::into_inner) = path;
            swapped.map_err(text)
        })
        .await;
        let path = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_left = path.exists();
        let _ = fs::remove_file(&path);
        expect(result.is_err() || !is_left, || {
            format!("{} could not be removed, and the result is {result:?}.", path.display())
        })
    })
}
