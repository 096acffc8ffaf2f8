//! What can go wrong around a body.

use std::path::PathBuf;

use thiserror::Error;

/// Why a database could not be opened or closed, or a transaction begun or ended.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The file is missing, unreadable, or no SQLite database.
    #[error("{}: cannot open the database", path.display())]
    Open {
        /// The file asked for.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The body was done, and closing failed.
    #[error("{}: cannot close the database", path.display())]
    Close {
        /// The file that was open.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// No transaction has begun: the database is locked, for one.
    #[error("cannot begin the transaction")]
    Begin(#[source] sqlx::Error),
    /// The body was done, and nothing of it was kept.
    #[error("cannot commit the transaction")]
    Commit(#[source] sqlx::Error),
    /// The body has failed, and what it did may still be there until the database is closed.
    #[error("cannot roll the transaction back")]
    Rollback(#[source] sqlx::Error),
}
