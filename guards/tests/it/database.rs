//! A temporary database in WAL mode. You can tell from outside whether the database is open: SQLite
//! keeps a `-wal` file next to it until the last connection is closed.
#![allow(clippy::unwrap_used, dead_code, reason = "no test uses all of this test support")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

pub struct Database {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl Database {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        std::fs::File::create(&path).unwrap();
        let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        sqlx::raw_sql(
            "PRAGMA journal_mode = wal;
             CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
             INSERT INTO users (name) VALUES ('Ada'), ('Grace');",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
        let database = Self { _folder: folder, path };
        assert!(!database.is_open());
        database
    }

    pub fn is_open(&self) -> bool {
        self.wal().exists()
    }

    /// Returns whether this process has the file open.
    pub fn has_connections(&self) -> bool {
        has_open(&self.path)
    }

    /// Returns the size of the `-wal` file, or 0 if there is none.
    pub fn size_of_wal(&self) -> u64 {
        self.wal().metadata().map_or(0, |wal| wal.len())
    }

    fn wal(&self) -> PathBuf {
        format!("{}-wal", self.path.display()).into()
    }
}

/// Returns whether this process has a file open. On systems without `/proc`, returns false.
pub fn has_open(file: &Path) -> bool {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.into_iter().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == file))
}

/// Returns the number of open handles that this process has to a file. On systems without `/proc`,
/// returns zero.
pub fn open_handles(file: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == file)).count()
}

/// Returns whether the environment variable `STRESS` is set, which makes some tests run many more
/// rounds.
pub fn stress() -> bool {
    std::env::var_os("STRESS").is_some()
}

/// Runs a statement that keeps SQLite busy for about a second in a debug build. Cancelling does
/// not stop the statement.
pub async fn run_long_statement(db: &mut SqliteConnection) -> sqlx::Result<()> {
    let count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
                 SELECT count(*) FROM n";
    sqlx::query(count).fetch_one(db).await?;
    Ok(())
}

/// Waits until a body reports that it is about to run its long statement. Then waits a moment
/// longer, so that SQLite has time to start the statement.
pub async fn a_moment_after(has_reached: oneshot::Receiver<()>) {
    has_reached.await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
}
