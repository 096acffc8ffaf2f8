//! The tool around the lesson: one statement on one database, its rows as lines of text.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, ensure};
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{AssertSqlSafe, Column, Decode, Row, Sqlite, TypeInfo, ValueRef};
use tokio::task::block_in_place;

/// Runs `sql` on the database at `path` and prints a line of column names and a line for each row,
/// values apart by tabs. Rows are printed as they come; none are gathered in memory.
pub async fn run(path: &Path, sql: String) -> anyhow::Result<()> {
    let place = || path.display().to_string();
    // SQLite would take `:memory:` and the like for databases, and nothing for a statement.
    ensure!(path.is_file(), "{}: there is no such file", path.display());
    ensure!(!sql.trim().is_empty(), "there is no SQL to run");
    guards::with_database(path, async |db| {
        // The statement is what the user asks for; no text of anybody else is pasted into it.
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(db);
        let mut first = true;
        while let Some(row) = rows.try_next().await.with_context(place)? {
            if std::mem::take(&mut first) {
                let names: Vec<_> = row.columns().iter().map(|c| visible(c.name())).collect();
                print_line(&names.join("\t"))?;
            }
            print_line(&line(&row)?)?;
        }
        Ok(())
    })
    .await
}

fn line(row: &SqliteRow) -> sqlx::Result<String> {
    let texts: Result<Vec<_>, _> = (0..row.len()).map(|i| text(row.try_get_raw(i)?)).collect();
    Ok(texts?.join("\t"))
}

/// A value of any of SQLite's five types as text without tabs and line ends.
fn text(value: SqliteValueRef<'_>) -> sqlx::Result<String> {
    if value.is_null() {
        return Ok("NULL".into());
    }
    let decoded = match value.type_info().name() {
        "INTEGER" => i64::decode(value).map(|number| number.to_string()),
        "REAL" => f64::decode(value).map(|number| number.to_string()),
        "BLOB" => <&[u8] as Decode<Sqlite>>::decode(value).map(hexadecimal),
        // SQLite does not see to it that text is UTF-8.
        _ => <&[u8] as Decode<Sqlite>>::decode(value)
            .map(|bytes| visible(&String::from_utf8_lossy(bytes))),
    };
    decoded.map_err(sqlx::Error::Decode)
}

/// Text with its control characters spelt out: they would tear lines apart, and write all over a
/// terminal.
fn visible(text: &str) -> String {
    let spell = |c: char| match c {
        '\\' => "\\\\".into(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(spell).collect()
}

fn print_line(line: &str) -> io::Result<()> {
    // To a pipe that nobody empties this may block; the runtime then needs another thread for its
    // other work, Ctrl-C among it.
    block_in_place(|| writeln!(io::stdout(), "{line}"))
}

/// Bytes as SQL writes them: `x'00ff'`.
fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    format!("x'{digits}'")
}
