//! The tool that the lesson builds: it runs one statement on one database, and prints the rows.
//! With `--write`, it runs the statement in a transaction.

mod file;
pub mod output;
mod sql;
pub mod values;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Error, anyhow, ensure};
use futures_util::StreamExt;
use guards::{DatabaseError, with_connection, with_transaction};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Column, Either, Executor, SqlSafeStr, Statement};
use tokio::task::block_in_place;

use crate::arguments::Arguments;
use output::Output;
use values::Value;

/// Set to true after a signal such as Ctrl-C. SQLite then stops the statement that it is running.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// The maximum number of rows that we format and print together.
const CHUNK: usize = 500;

/// Runs the statement. If this returns without an error, the changes are committed. After an error,
/// nothing has changed, unless the error is that the database could not be closed after the commit.
pub async fn run(path: &Path, sql: &str, arguments: &Arguments) -> anyhow::Result<()> {
    let start = Instant::now();
    // SQLite does not see the text until we know that it is a single statement that we may run.
    let statement = sql::one_statement(sql).map_err(Error::msg)?;
    sql::allow(statement).map_err(Error::msg)?;
    let absolute = file::check(path, arguments.write)?;
    let (filename, _link) = file::with_utf8_name(absolute)?;

    let options = SqliteConnectOptions::new()
        .filename(filename)
        .read_only(!arguments.write)
        // This is SQLite's own default. sqlx would turn foreign keys on.
        .foreign_keys(false)
        .busy_timeout(arguments.wait.min(LONGEST_WAIT));
    let done = with_connection(options, async |db| {
        let mut sqlite = db.lock_handle().await?;
        // Dropping a future does not stop SQLite, so SQLite itself has to check whether to stop.
        sqlite.set_progress_handler(1000, || !STOP.load(Relaxed));
        drop(sqlite);
        limit_wait(db, start, arguments.wait).await?;
        if !arguments.write {
            // A statement that only reads needs no transaction around it.
            return execute(db, statement, arguments).await;
        }
        with_transaction(db, async |db| {
            limit_wait(db, start, arguments.wait).await?;
            let changed = execute(db, statement, arguments).await?;
            limit_wait(db, start, arguments.wait).await?; // for the commit
            Ok(changed)
        })
        .await
    });
    let changed = done.await.map_err(|error| explain(error, path, arguments))?;
    if arguments.write {
        let _ = writeln!(io::stderr(), "rows changed: {changed}");
    }
    Ok(())
}

/// SQLite stores the time to wait as a 32-bit number of milliseconds.
const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// Sets how long SQLite may wait for the next lock: the time that remains of `wait`, counted from
/// `start`. Otherwise, SQLite would wait for up to `wait` at each lock.
async fn limit_wait(db: &mut SqliteConnection, start: Instant, wait: Duration) -> sqlx::Result<()> {
    let left = wait.saturating_sub(start.elapsed()).min(LONGEST_WAIT);
    let pragma = format!("PRAGMA busy_timeout = {}", left.as_millis());
    db.execute(sqlx::raw_sql(AssertSqlSafe(pragma))).await?;
    Ok(())
}

/// Adds the database's name to an error and, if we know one, the remedy.
fn explain(error: Error, path: &Path, arguments: &Arguments) -> Error {
    let code = error.chain().find_map(|cause| {
        let error = cause.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        error.code().map(|code| code.into_owned())
    });
    let code = code.and_then(|code| code.parse::<u32>().ok());
    let (step, error) = match error.downcast::<DatabaseError>() {
        // The messages of these two errors name the path. So does the message that we build below,
        // so we keep only the causes of these errors.
        Ok(DatabaseError::Open { source, .. }) => {
            ("opening it", Error::new(source).context("cannot open the database"))
        }
        Ok(DatabaseError::Close { source, .. }) => {
            ("closing it", Error::new(source).context("cannot close the database"))
        }
        Ok(error @ DatabaseError::Begin(_)) => ("starting to write", error.into()),
        Ok(error @ DatabaseError::Commit(_)) => ("committing", error.into()),
        Ok(error) => ("writing", error.into()),
        Err(error) => (if arguments.write { "writing" } else { "reading" }, error),
    };
    // The low byte of the code is the kind of error. The other bytes add details.
    let error = match code.map(|code| (code & 0xff, code)) {
        Some((5, _)) => error.context(format!(
            "another program kept the database locked while guards was {step}; gave up after {:?} \
             in total: try a longer --wait",
            arguments.wait
        )),
        Some((8, 776)) => error.context(
            "an interrupted program has left changes that must be undone, which requires --write",
        ),
        Some((8, 1544)) if !file::needs_wal_files(path) => error.context(
            "SQLite has to create files next to the database, but may not write to that folder",
        ),
        Some((8 | 14, _)) if file::needs_wal_files(path) => error.context(
            "this database is in WAL mode, so SQLite has to create files next to it, but may not; \
             copy the database to a folder where you may write",
        ),
        Some((8, _)) if !arguments.write => error.context("changing it requires --write"),
        _ => error,
    };
    error.context(path.display().to_string())
}

/// Runs the statement and prints its rows as they arrive, without collecting them in memory.
/// Returns the number of rows that the statement has changed.
async fn execute(
    db: &mut SqliteConnection,
    statement: &str,
    arguments: &Arguments,
) -> anyhow::Result<u64> {
    // The statement is the user's own text. We paste nothing into it; we bind values to its
    // parameters. We prepare the text unchanged, so that error messages and column names refer to
    // the user's text. Then we run it with numbered parameters.
    let prepared = db.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let names = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
    let parameters = sql::number(statement);
    let values = values::assign(&parameters, &arguments.given).map_err(Error::msg)?;
    let query = sqlx::query_with(AssertSqlSafe(parameters.statement), bind(values)?);

    let mut output = Output::new(arguments.format(), names, io::stdout().is_terminal());
    let mut changed = 0;
    let mut chunks = db.fetch_many(query).ready_chunks(CHUNK);
    while let Some(chunk) = chunks.next().await {
        ensure!(!STOP.load(Relaxed), "interrupted");
        for item in chunk {
            match item {
                Ok(Either::Right(row)) => output.add(&row)?,
                Ok(Either::Left(done)) => changed += done.rows_affected(),
                Err(error) => {
                    print(&output.take(true))?; // the rows before the error
                    return Err(error.into());
                }
            }
        }
        print(&output.take(false))?;
    }
    print(&output.take(true))?;
    Ok(changed)
}

fn bind(values: Vec<Value>) -> anyhow::Result<SqliteArguments> {
    let mut bound = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Null => bound.add(None::<i64>),
            Value::Integer(number) => bound.add(number),
            Value::Real(number) => bound.add(number),
            Value::Text(text) => bound.add(text),
            Value::Blob(bytes) => bound.add(bytes),
        };
        added.map_err(|error| anyhow!(error))?;
    }
    Ok(bound)
}

fn print(bytes: &[u8]) -> io::Result<()> {
    // If stdout is a pipe that nobody reads, the write blocks. `block_in_place` lets the runtime
    // use another thread for its other work, such as Ctrl-C.
    block_in_place(|| io::stdout().write_all(bytes))
}
