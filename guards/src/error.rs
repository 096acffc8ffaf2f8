//! The errors that can occur before and after a body.

use std::path::PathBuf;

use thiserror::Error;

/// The reason why a database could not be opened or closed, or why a transaction could not begin or
/// end.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The database could not be opened, for example because the file is missing, is locked, or is
    /// not a SQLite database.
    #[error("{}: cannot open the database", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// The error from SQLite.
        source: sqlx::Error,
    },
    /// The body succeeded, but closing the database failed.
    #[error("{}: cannot close the database", path.display())]
    Close {
        /// The database file.
        path: PathBuf,
        /// The error from SQLite.
        source: sqlx::Error,
    },
    /// The transaction could not begin, for example because the database is locked.
    #[error("cannot begin the transaction")]
    Begin(#[source] sqlx::Error),
    /// A transaction is already under way on this connection. You also get this error after SQLite
    /// has rolled a transaction back on its own and the body has ignored the error that SQLite
    /// reported. sqlx then still believes that the transaction is under way, so you cannot begin
    /// another one on this connection.
    #[error("a transaction is already under way on this connection")]
    Nested,
    /// The body succeeded, but the commit failed, so the transaction was rolled back. There is one
    /// exception: if SQLite had already rolled the transaction back on its own, the body's later
    /// writes were outside any transaction, and SQLite has kept them.
    #[error("cannot commit the transaction")]
    Commit(#[source] sqlx::Error),
    /// The body failed, and so did the rollback. The body's changes may be visible on this
    /// connection until the database is closed. This error is never returned: it is printed to
    /// stderr, and the caller gets the body's error.
    #[error("cannot roll the transaction back")]
    Rollback(#[source] sqlx::Error),
}
