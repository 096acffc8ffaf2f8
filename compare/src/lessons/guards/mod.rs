//! The contract of `guards`: a database that is closed, whichever way its body ends.

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
    /// Where to make a database.
    pub path: PathBuf,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    /// What a body has read.
    pub names: Vec<String>,
    pub endings: Vec<Ending>,
}

/// How a body ended.
#[derive(Serialize, Deserialize)]
pub struct Ending {
    pub how: String,
    /// Whether the database was open before, while the body ran.
    pub was_open: bool,
    /// Whether it was closed afterwards.
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

/// What fills the database. In WAL mode a file beside it shows from outside that it is open.
pub const FILL: &str = "PRAGMA journal_mode = wal;
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO users (name) VALUES ('Ada'), ('Grace');";

/// Looks at a database from outside, and notes what it saw at each ending.
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

    /// To be called by a body.
    pub fn look(&self) {
        self.saw_it_open.store(self.is_open(), SeqCst);
    }

    /// To be called when a body has ended and the database should be closed.
    pub fn ended(&self, how: &str) {
        let was_open = self.saw_it_open.swap(false, SeqCst);
        let ending = Ending { how: how.into(), was_open, is_closed: !self.is_open() };
        self.endings.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
    }

    /// All endings so far.
    pub fn endings(&self) -> Vec<Ending> {
        std::mem::take(&mut self.endings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// SQLite removes the file beside the database with the last connection to it.
    fn is_open(&self) -> bool {
        self.path.with_extension("db-wal").exists()
    }
}
