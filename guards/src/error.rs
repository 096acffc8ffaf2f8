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
    /// There is a transaction on this connection already. Or SQLite has rolled one back by itself, and
    /// nobody was left to see it; then the connection has no more of them to give.
    #[error("a transaction is under way already")]
    Nested,
    /// The body was done, and its transaction was not committed: it is rolled back. Where SQLite had
    /// done so before by itself, what the body did after that was in no transaction, and is kept.
    #[error("cannot commit the transaction")]
    Commit(#[source] sqlx::Error),
    /// The body has failed, and what it did may still be there until the database is closed.
    #[error("cannot roll the transaction back")]
    Rollback(#[source] sqlx::Error),
}
