//! What can go wrong around a body.

use std::path::PathBuf;

use thiserror::Error;

/// Says why a database could not be opened or closed, or why a transaction could not begin or end.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The file is missing, unreadable, or not a SQLite database.
    #[error("{}: cannot open the database", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The error from SQLite.
        source: sqlx::Error,
    },
    /// The body succeeded, and closing the database failed.
    #[error("{}: cannot close the database", path.display())]
    Close {
        /// The file.
        path: PathBuf,
        /// The error from SQLite.
        source: sqlx::Error,
    },
    /// The transaction could not begin, for example because the database is locked.
    #[error("cannot begin the transaction")]
    Begin(#[source] sqlx::Error),
    /// There is already a transaction on this connection. This also happens if SQLite has rolled
    /// one back on its own and the body ignored it: the connection then accepts no further
    /// transaction.
    #[error("a transaction is already under way on this connection")]
    Nested,
    /// The body succeeded, and the commit failed: the transaction is rolled back. If SQLite had
    /// already rolled it back on its own, the body's later writes were outside any transaction and
    /// are kept.
    #[error("cannot commit the transaction")]
    Commit(#[source] sqlx::Error),
    /// The body failed, and so did the rollback. The changes of the body may be visible on this
    /// connection until the database is closed.
    #[error("cannot roll the transaction back")]
    Rollback(#[source] sqlx::Error),
}
