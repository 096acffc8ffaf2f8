//! The tool around the lesson: one statement on one database, its rows as lines of text.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context;
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{AssertSqlSafe, Column, Decode, Row, Sqlite, TypeInfo, ValueRef};

/// Runs `sql` on the database at `path` and prints a line of column names and a line for each row,
/// values apart by tabs. Rows are printed as they come; none are gathered in memory.
pub async fn run(path: &Path, sql: String) -> anyhow::Result<()> {
    let place = || path.display().to_string();
    guards::with_database(path, async |db| {
        // The statement is what the user asks for; no text of anybody else is pasted into it.
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(db);
        let mut first = true;
        while let Some(row) = rows.try_next().await.with_context(place)? {
            if std::mem::take(&mut first) {
                let names: Vec<_> = row.columns().iter().map(Column::name).collect();
                writeln!(io::stdout(), "{}", names.join("\t"))?;
            }
            writeln!(io::stdout(), "{}", line(&row)?)?;
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
        _ => <&str as Decode<Sqlite>>::decode(value)
            .map(|text| text.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")),
    };
    decoded.map_err(sqlx::Error::Decode)
}

/// Bytes as SQL writes them: `x'00ff'`.
fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    format!("x'{digits}'")
}
