//! Formats rows as text: a plain table for people, and JSON lines or CSV for programs.

use std::fmt::Write;

use serde_json::{Number, Value, json};
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Column, Decode, Row, Sqlite, TypeInfo, ValueRef};
use unicode_width::UnicodeWidthStr;

use crate::printable::{is_unsafe, printable_json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Csv,
}

/// Collects rows, and turns them into text.
pub struct Output {
    format: Format,
    /// Whether stdout is a terminal. Special characters could take control of a terminal.
    to_terminal: bool,
    /// The names of the columns.
    names: Vec<String>,
    text: Vec<u8>,
    /// The rows of a table, starting with the names of its columns. The first rows wait here until
    /// the widths are known.
    cells: Vec<Vec<String>>,
    /// The widths of the columns, measured over the first [`MEASURED`] rows.
    widths: Vec<usize>,
}

/// The number of rows that we measure before we print the first one. The number is fixed, so the
/// layout does not depend on how fast the rows arrive.
const MEASURED: usize = 100;

impl Output {
    /// Creates the output for a statement whose columns have these names.
    pub fn new(format: Format, names: Vec<String>, to_terminal: bool) -> Self {
        let (text, cells, widths) = (Vec::new(), Vec::new(), Vec::new());
        let mut output = Self { format, to_terminal, names, text, cells, widths };
        if format == Format::Csv && !output.names.is_empty() {
            let names = output.names.clone();
            output.add_csv(names.iter().map(|name| Read::Text(name.as_bytes())).collect());
        }
        output
    }

    /// Adds a row.
    pub fn add(&mut self, row: &SqliteRow) -> sqlx::Result<()> {
        if row.len() != self.names.len() {
            // Another program has changed the table since the statement was prepared.
            self.names = row.columns().iter().map(|column| column.name().to_owned()).collect();
        }
        let values = (0..row.len()).map(|i| read(row.try_get_raw(i)?));
        let values = values.collect::<sqlx::Result<Vec<_>>>()?;
        match self.format {
            Format::Json => {
                let values = values.into_iter().map(as_json);
                let object = Value::Object(unique(&self.names).into_iter().zip(values).collect());
                self.text.extend(printable_json(&object.to_string()).bytes());
                self.text.push(b'\n');
            }
            Format::Csv => self.add_csv(values),
            Format::Table => {
                if self.widths.is_empty() && self.cells.is_empty() {
                    self.cells.push(self.names.iter().map(|name| visible(name)).collect());
                }
                self.cells.push(values.into_iter().map(as_text).collect());
            }
        }
        Ok(())
    }

    /// Adds a line of CSV, as RFC 4180 describes it. An empty string is written as two quotes, and
    /// NULL as an empty field without quotes.
    fn add_csv(&mut self, values: Vec<Read<'_>>) {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.text.push(b',');
            }
            let field = match value {
                Read::Null => continue,
                Read::Text(bytes) if self.to_terminal => visible_bytes(bytes).into_bytes(),
                Read::Text(bytes) => bytes.to_vec(),
                other => as_text(other).into_bytes(),
            };
            let needs_quotes = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
            if field.is_empty() || field.iter().any(needs_quotes) {
                self.text.push(b'"');
                for byte in field {
                    // A quote is written twice.
                    self.text.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
                }
                self.text.push(b'"');
            } else {
                self.text.extend(field);
            }
        }
        self.text.extend(b"\r\n");
    }

    /// Returns the rows added since the last call, as text. As long as the widths of the columns
    /// are unknown, keeps the rows of a table and returns no text for them. The last call
    /// (`is_end`) returns all remaining rows.
    pub fn take(&mut self, is_end: bool) -> Vec<u8> {
        let is_first = self.widths.is_empty();
        if is_first && !is_end && self.cells.len() <= MEASURED {
            return std::mem::take(&mut self.text);
        }
        if is_first {
            self.widths = widths(&self.cells[..self.cells.len().min(MEASURED + 1)]);
        }
        let mut text = String::new();
        for (place, row) in self.cells.drain(..).enumerate() {
            add_line(&mut text, &row, &self.widths);
            if is_first && place == 0 {
                let rule: Vec<_> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
                add_line(&mut text, &rule, &self.widths);
            }
        }
        self.text.extend(text.bytes());
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

/// Makes the names unique by adding numbers, because a JSON object must not repeat a name. So a
/// second `id` becomes `id_2`.
fn unique(columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in columns {
        let numbered = (2..).map(|n| format!("{column}_{n}"));
        let mut candidates = std::iter::once(column.clone()).chain(numbered);
        names.extend(candidates.find(|name| !names.contains(name)));
    }
    names
}

/// A value that we have read from SQLite.
enum Read<'a> {
    Null,
    Integer(i64),
    Real(f64),
    /// SQLite does not check that text is valid UTF-8.
    Text(&'a [u8]),
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
        _ => <&[u8] as Decode<Sqlite>>::decode(value).map(Read::Text),
    };
    decoded.map_err(sqlx::Error::Decode)
}

/// Returns a value as text for a table.
fn as_text(value: Read<'_>) -> String {
    match value {
        Read::Null => "NULL".into(),
        Read::Integer(number) => number.to_string(),
        // `{:?}` prints 2.0 and not 2, so that it cannot be mistaken for an integer.
        Read::Real(number) => format!("{number:?}"),
        Read::Text(bytes) => visible_bytes(bytes),
        Read::Blob(bytes) => format!("x'{}'", hexadecimal(bytes)),
    }
}

/// Returns the value as JSON. JSON cannot represent bytes, infinity or invalid text, so we write
/// `{"blob": "00ff"}`, `{"real": "inf"}` and `{"invalid_utf8": "ff41"}` instead.
fn as_json(value: Read<'_>) -> Value {
    match value {
        Read::Null => Value::Null,
        Read::Integer(number) => number.into(),
        Read::Real(number) => {
            let infinite = || json!({ "real": number.to_string() });
            Number::from_f64(number).map_or_else(infinite, Value::Number)
        }
        Read::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => json!({ "invalid_utf8": hexadecimal(bytes) }),
        },
        Read::Blob(bytes) => json!({ "blob": hexadecimal(bytes) }),
    }
}

/// Returns the text with unsafe characters and invalid bytes escaped. The bytes need not be valid
/// UTF-8.
fn visible_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += &visible(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Returns the text with unsafe characters escaped. If we printed these characters as they are,
/// they could break lines, reverse them, or take over the terminal.
fn visible(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".into(),
        c if is_unsafe(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Returns the bytes as hexadecimal digits, as in SQL: `00ff`.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
