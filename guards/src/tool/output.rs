//! Formats rows as text: a plain table for people, and JSON lines for programs.

use std::fmt::Write;

use serde_json::{Map, Number, Value, json};
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Column, Decode, Row, Sqlite, TypeInfo, ValueRef};
use unicode_width::UnicodeWidthStr;

/// Collects rows, and turns them into text.
pub struct Output {
    json: bool,
    text: String,
    /// The rows of a table, starting with the names of its columns. The first rows wait here until
    /// the widths are known.
    cells: Vec<Vec<String>>,
    /// The widths of the columns, measured over the first [`MEASURED`] rows.
    widths: Vec<usize>,
}

/// How many rows we measure before we print the first one. The number is fixed, so the layout does
/// not depend on how fast the rows arrive.
const MEASURED: usize = 100;

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json, text: String::new(), cells: Vec::new(), widths: Vec::new() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &SqliteRow) -> sqlx::Result<()> {
        if self.json {
            let values = (0..row.len()).map(|i| as_json(row.try_get_raw(i)?));
            let values = values.collect::<sqlx::Result<Vec<_>>>()?;
            let object = Value::Object(Map::from_iter(names(row).into_iter().zip(values)));
            let _ = writeln!(self.text, "{object}");
            return Ok(());
        }
        if self.widths.is_empty() && self.cells.is_empty() {
            self.cells.push(row.columns().iter().map(|column| visible(column.name())).collect());
        }
        let cells = (0..row.len()).map(|i| as_text(row.try_get_raw(i)?));
        self.cells.push(cells.collect::<sqlx::Result<_>>()?);
        Ok(())
    }

    /// Returns the rows added since the last call, as text. As long as the widths of the columns
    /// are unknown, keeps the rows and returns an empty text. The last call (`is_end`) returns all
    /// the rows that are left.
    pub fn take(&mut self, is_end: bool) -> String {
        let is_first = self.widths.is_empty();
        if is_first && !is_end && self.cells.len() <= MEASURED {
            return std::mem::take(&mut self.text);
        }
        if is_first {
            self.widths = widths(&self.cells[..self.cells.len().min(MEASURED + 1)]);
        }
        for (place, row) in self.cells.drain(..).enumerate() {
            add_line(&mut self.text, &row, &self.widths);
            if is_first && place == 0 {
                let rule: Vec<_> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
                add_line(&mut self.text, &rule, &self.widths);
            }
        }
        std::mem::take(&mut self.text)
    }
}

/// Returns the width of each column.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    (0..columns).map(width).collect()
}

/// Adds a row with two spaces between its columns. A cell that is too wide shifts the cells to its
/// right.
fn add_line(text: &mut String, row: &[String], widths: &[usize]) {
    let start = text.len();
    for (cell, width) in row.iter().zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
    }
    text.truncate(start + text[start..].trim_end_matches(' ').len());
    text.push('\n');
}

/// Returns the names of the columns. A JSON object may have each name only once, so a second `id`
/// becomes `id_2`.
fn names(row: &SqliteRow) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in row.columns() {
        let numbered = (2..).map(|n| format!("{}_{n}", column.name()));
        let mut candidates = std::iter::once(column.name().to_owned()).chain(numbered);
        names.extend(candidates.find(|name| !names.contains(name)));
    }
    names
}

/// Returns a value of any of SQLite's five types as text for a table.
fn as_text(value: SqliteValueRef<'_>) -> sqlx::Result<String> {
    Ok(match read(value)? {
        Read::Null => "NULL".into(),
        Read::Integer(number) => number.to_string(),
        // `{:?}` prints 2.0 and not 2, so that it cannot be mistaken for an integer.
        Read::Real(number) => format!("{number:?}"),
        Read::Text(text) => visible(&text),
        Read::Blob(bytes) => format!("x'{}'", hexadecimal(bytes)),
    })
}

/// Returns the value as JSON. JSON has neither bytes nor infinity, so we write these as
/// `{"blob": "00ff"}` and `{"real": "inf"}`.
fn as_json(value: SqliteValueRef<'_>) -> sqlx::Result<Value> {
    Ok(match read(value)? {
        Read::Null => Value::Null,
        Read::Integer(number) => number.into(),
        Read::Real(number) => {
            let infinite = || json!({ "real": number.to_string() });
            Number::from_f64(number).map_or_else(infinite, Value::Number)
        }
        Read::Text(text) => text.into(),
        Read::Blob(bytes) => json!({ "blob": hexadecimal(bytes) }),
    })
}

/// A value that we have read from SQLite.
enum Read<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(&'a [u8]),
}

fn read(value: SqliteValueRef<'_>) -> sqlx::Result<Read<'_>> {
    if value.is_null() {
        return Ok(Read::Null);
    }
    // We ask for the type of the value, not of the column: in SQLite, any column may hold any
    // type.
    let decoded = match value.type_info().name() {
        "INTEGER" => i64::decode(value).map(Read::Integer),
        "REAL" => f64::decode(value).map(Read::Real),
        "BLOB" => <&[u8] as Decode<Sqlite>>::decode(value).map(Read::Blob),
        // SQLite does not check that text is UTF-8.
        _ => <&[u8] as Decode<Sqlite>>::decode(value)
            .map(|bytes| Read::Text(String::from_utf8_lossy(bytes).into_owned())),
    };
    decoded.map_err(sqlx::Error::Decode)
}

/// Returns the text with control characters escaped. If we printed these characters as they are,
/// they could break or reverse lines, or take control of the terminal.
fn visible(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".into(),
        c if c.is_control() || breaks_lines_or_direction(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Whether the character ends a line or changes the text direction.
fn breaks_lines_or_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the bytes as SQL writes them: `00ff`.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
