//! The contract of `guards`: a database is closed, no matter how the code that uses it ends.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::serve::{Scene, Stage};

#[cfg(all(feature = "async-std", not(test)))]
pub mod on_async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod on_smol;
#[cfg(all(feature = "tokio", not(test)))]
pub mod on_tokio;

#[derive(Serialize, Deserialize)]
pub struct Input {
    /// The path of the database to create.
    pub path: PathBuf,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    /// The names that a body has read from the database.
    pub names: Vec<String>,
    pub endings: Vec<Ending>,
}

/// How a body ended. A *body* is the code that uses the database.
#[derive(Serialize, Deserialize)]
pub struct Ending {
    pub how: String,
    /// Whether the database was open while the body ran.
    pub was_open: bool,
    /// Whether the database was closed afterwards.
    pub is_closed: bool,
}

pub fn input(_: &Stage, scene: &Scene) -> Input {
    Input { path: scene.folder().join("users.db") }
}

pub fn expected(_: &Input) -> Answer {
    let ending = |how: &str| Ending { how: how.into(), was_open: true, is_closed: true };
    Answer {
        names: vec!["Ada".into(), "Grace".into()],
        endings: ["value", "error", "panic", "cancelled"].map(ending).into(),
    }
}

/// The SQL that fills the database. In WAL mode, SQLite keeps a second file next to an open
/// database, so we can see from outside whether the database is open.
pub const FILL: &str = "PRAGMA journal_mode = wal;
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO users (name) VALUES ('Ada'), ('Grace');";

/// Checks from outside whether a database is open, and records the result for each body.
#[derive(Clone)]
pub struct Witness {
    path: PathBuf,
    saw_it_open: Arc<AtomicBool>,
    endings: Arc<Mutex<Vec<Ending>>>,
}

impl Witness {
    pub fn of(path: &Path) -> Self {
        Self { path: path.into(), saw_it_open: Arc::default(), endings: Arc::default() }
    }

    /// Checks whether the database is open, and remembers the result. Each body calls this while it
    /// uses the database.
    pub fn look(&self) {
        self.saw_it_open.store(self.is_open(), SeqCst);
    }

    /// Records an ending. Call this when a body has ended and the database should be closed.
    pub fn ended(&self, how: &str) {
        let was_open = self.saw_it_open.swap(false, SeqCst);
        let ending = Ending { how: how.into(), was_open, is_closed: !self.is_open() };
        self.endings.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
    }

    /// Returns all endings so far, and clears the list.
    pub fn endings(&self) -> Vec<Ending> {
        std::mem::take(&mut self.endings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether the database is open. SQLite removes the second file when the last
    /// connection is closed.
    fn is_open(&self) -> bool {
        self.path.with_extension("db-wal").exists()
    }
}
