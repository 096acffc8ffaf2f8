//! The tool around the lesson: one statement on one database, in a transaction, its rows as text.

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

/// Set when the user has had enough: SQLite then stops the statement it is at.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// So many rows are taken at once, where so many are there.
const CHUNK: usize = 500;

/// Runs the statement. What is changed is changed when this returns without an error.
pub async fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    // SQLite would take `:memory:` and the like for databases, and nothing for a statement.
    ensure!(path.is_file(), "{}: there is no such file", path.display());
    ensure!(!arguments.sql.trim().is_empty(), "there is no SQL to run");
    let options = SqliteConnectOptions::new()
        .filename(std::path::absolute(path)?)
        .read_only(!arguments.write)
        // SQLite counts milliseconds in 32 bits.
        .busy_timeout(arguments.wait.min(Duration::from_millis(i32::MAX as u64)));
    let done = with_connection(options, async |db| {
        let may_commit = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&may_commit);
        let mut sqlite = db.lock_handle().await?;
        // A future that is dropped does not stop SQLite; so it has to look by itself.
        sqlite.set_progress_handler(1000, || !STOP.load(Relaxed));
        // A `COMMIT` of the user must not cut the transaction short.
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
            // A statement that only reads is a transaction of its own.
            false => statement(db, arguments).await,
        }
    });
    let changed = done.await.map_err(|error| explain(error, path, arguments))?;
    if arguments.write {
        let _ = writeln!(io::stderr(), "rows changed: {changed}");
    }
    Ok(())
}

/// Names the database, and says what to do about an error of SQLite, where there is something.
fn explain(error: anyhow::Error, path: &Path, arguments: &Arguments) -> anyhow::Error {
    let code = error.chain().find_map(|cause| {
        let error = cause.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        error.code().map(|code| code.into_owned())
    });
    let names_it = matches!(
        error.downcast_ref(),
        Some(DatabaseError::Open { .. } | DatabaseError::Close { .. })
    );
    // The low byte is the kind of error, the rest tells more of it.
    let error = match code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
        Some(5) => error.context(format!("another program had it for {:?}", arguments.wait)),
        Some(8) if !arguments.write => error.context("it is read only, without --write"),
        _ => error,
    };
    match names_it {
        true => error,
        false => error.context(path.display().to_string()),
    }
}

/// Runs the one statement and prints its rows as they come; they are not gathered in memory.
/// Returns how many it has changed.
async fn statement(db: &mut SqliteConnection, arguments: &Arguments) -> anyhow::Result<u64> {
    // The statement is what the user asks for. No text of anybody else is pasted into it: values are
    // bound to its parameters.
    let sql = AssertSqlSafe(arguments.sql.clone()).into_sql_str();
    let prepared = db.prepare(sql.clone()).await?;
    let wanted = prepared.parameters().and_then(Either::right).unwrap_or(0);
    let given = arguments.params.len();
    ensure!(wanted == given, "parameters in the statement: {wanted}, given: {given}");

    let mut output = Output::new(arguments.json);
    let mut changed = None;
    let rows = db.fetch_many(sqlx::query_with(sql, bind(&arguments.params)?));
    let mut chunks = rows.ready_chunks(CHUNK);
    while let Some(chunk) = chunks.next().await {
        ensure!(!STOP.load(Relaxed), "interrupted");
        for item in chunk {
            match item {
                Ok(_) if changed.is_some() => {
                    bail!("more than one statement: nothing is kept of it")
                }
                Ok(Either::Right(row)) => output.add(&row)?,
                Ok(Either::Left(done)) => changed = Some(done.rows_affected()),
                Err(error) => {
                    print(&output.take(true))?; // what came before it
                    return Err(error.into());
                }
            }
        }
        print(&output.take(false))?;
    }
    print(&output.take(true))?;
    Ok(changed.unwrap_or(0))
}

/// Values for the parameters: what is written as SQLite would write an integer or a real number is
/// one, and all else is text.
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
    // To a pipe that nobody empties this may block; the runtime then needs another thread for its
    // other work, Ctrl-C among it.
    block_in_place(|| io::stdout().write_all(text.as_bytes()))
}
