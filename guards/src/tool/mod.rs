//! The tool that the lesson builds: it runs one statement on one database, and prints the rows.
//! With `--write`, it runs the statement in a transaction.

mod output;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{bail, ensure};
use futures_util::StreamExt;
use guards::{DatabaseError, with_connection, with_transaction};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Either, Executor, SqlSafeStr, Statement};
use tokio::task::block_in_place;

use crate::Arguments;
use output::Output;

/// Set to true after Ctrl-C. SQLite then stops the statement that it is running.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// The maximum number of rows that we format and print together.
const CHUNK: usize = 500;

/// Runs the statement. If this returns without an error, the changes are committed; otherwise
/// nothing has changed.
pub async fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    // SQLite would accept names such as `:memory:` as a database, and an empty string as a
    // statement.
    ensure!(path.is_file(), "{}: no such file, and guards does not create one", path.display());
    ensure!(!arguments.sql.trim().is_empty(), "the statement is empty: there is no SQL to run");
    let options = SqliteConnectOptions::new()
        .filename(std::path::absolute(path)?)
        .read_only(!arguments.write)
        // SQLite stores this timeout as a 32-bit number of milliseconds.
        .busy_timeout(arguments.wait.min(Duration::from_millis(i32::MAX as u64)));
    let done = with_connection(options, async |db| {
        let may_commit = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&may_commit);
        let mut sqlite = db.lock_handle().await?;
        // Dropping a future does not stop SQLite, so SQLite itself has to check whether to stop.
        sqlite.set_progress_handler(1000, || !STOP.load(Relaxed));
        // A `COMMIT` in the user's statement must not end the transaction early.
        sqlite.set_commit_hook(move || asked.load(Relaxed));
        drop(sqlite);
        match arguments.write {
            true => {
                with_transaction(db, async |db| {
                    let changed = statement(db, arguments).await?;
                    may_commit.store(true, Relaxed);
                    Ok(changed)
                })
                .await
            }
            // A statement that only reads needs no transaction around it.
            false => statement(db, arguments).await,
        }
    });
    let changed = done.await.map_err(|error| explain(error, path, arguments))?;
    if arguments.write {
        let _ = writeln!(io::stderr(), "rows changed: {changed}");
    }
    Ok(())
}

/// Adds the database's name to an error and, if we know one, the remedy.
fn explain(error: anyhow::Error, path: &Path, arguments: &Arguments) -> anyhow::Error {
    let code = error.chain().find_map(|cause| {
        let error = cause.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        error.code().map(|code| code.into_owned())
    });
    let names_it = matches!(
        error.downcast_ref(),
        Some(DatabaseError::Open { .. } | DatabaseError::Close { .. })
    );
    // The low byte of the code is the kind of error. The other bytes add details.
    let error = match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        Some(5) => error.context(format!(
            "another program kept it locked for {:?}; try a longer --wait",
            arguments.wait
        )),
        Some(8) if !arguments.write => error.context("changing it requires --write"),
        _ => error,
    };
    match names_it {
        true => error,
        false => error.context(path.display().to_string()),
    }
}

/// Runs the statement and prints its rows as they arrive, without collecting them in memory.
/// Returns how many rows the statement has changed.
async fn statement(db: &mut SqliteConnection, arguments: &Arguments) -> anyhow::Result<u64> {
    // The statement is the user's own text. We paste nothing into it; we bind values to its
    // parameters.
    let sql = AssertSqlSafe(arguments.sql.clone()).into_sql_str();
    let prepared = db.prepare(sql.clone()).await?;
    let wanted = prepared.parameters().and_then(Either::right).unwrap_or(0);
    let given = arguments.params.len();
    ensure!(wanted == given, "parameters in the statement: {wanted}, values given: {given}");

    let mut output = Output::new(arguments.json);
    let mut changed = None;
    let rows = db.fetch_many(sqlx::query_with(sql, bind(&arguments.params)?));
    let mut chunks = rows.ready_chunks(CHUNK);
    while let Some(chunk) = chunks.next().await {
        ensure!(!STOP.load(Relaxed), "interrupted");
        for item in chunk {
            match item {
                Ok(_) if changed.is_some() => {
                    bail!("more than one statement: run them one at a time")
                }
                Ok(Either::Right(row)) => output.add(&row)?,
                Ok(Either::Left(done)) => changed = Some(done.rows_affected()),
                Err(error) => {
                    print(&output.take(true))?; // the rows before the error
                    return Err(error.into());
                }
            }
        }
        print(&output.take(false))?;
    }
    print(&output.take(true))?;
    Ok(changed.unwrap_or(0))
}

/// Converts the parameters to values. If a text is exactly what this program prints for an integer
/// or a real number, such as `7` or `2.5`, it becomes that number. Any other text, such as `07`,
/// stays text.
fn bind(values: &[String]) -> anyhow::Result<SqliteArguments> {
    let mut bound = SqliteArguments::default();
    for value in values {
        let integer = value.parse::<i64>().ok().filter(|number| number.to_string() == *value);
        let real = value.parse::<f64>().ok().filter(|number| format!("{number:?}") == *value);
        let added = match (integer, real.filter(|number| number.is_finite())) {
            (Some(number), _) => bound.add(number),
            (None, Some(number)) => bound.add(number),
            (None, None) => bound.add(value.clone()),
        };
        added.map_err(anyhow::Error::from_boxed)?;
    }
    Ok(bound)
}

fn print(text: &str) -> io::Result<()> {
    // If nobody reads the pipe, the write blocks. `block_in_place` lets the runtime move its other
    // work, such as waiting for Ctrl-C, to another thread.
    block_in_place(|| io::stdout().write_all(text.as_bytes()))
}
