//! What is printed: a line for each URL, its body, or JSON; and the sum of it all at the end.

use std::error::Error;
use std::io::Write;
use std::iter;
use std::time::Duration;

use bytesize::ByteSize;
use fetch::{FetchError, Fetched};
use serde::Serialize;

use super::printer::Text;

/// What to print of each URL.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// Status, bytes, seconds and URL.
    Lines,
    /// The body alone.
    Bodies,
    /// One JSON object a line.
    Json,
}

/// One line of JSON.
#[derive(Serialize)]
struct Row<'a> {
    url: &'a str,
    status: Option<u16>,
    bytes: usize,
    ms: f64,
    attempts: u32,
    error: Option<String>,
}

impl Format {
    /// Adds to `text` what is to be printed of one URL.
    pub fn print(self, fetched: &Fetched, text: &mut Text) {
        let Text { out, err } = text;
        let Fetched { url, outcome, attempts, elapsed } = fetched;
        let (status, body) = match outcome {
            Ok(page) => (Some(page.status), page.body.as_slice()),
            Err(FetchError::Status { status, .. }) => (Some(*status), &[][..]),
            Err(_) => (None, &[][..]),
        };
        let status = status.map(|status| status.as_u16());
        // Here and below: writing to memory does not fail.
        if let Err(error) = outcome {
            let _ = writeln!(err, "fetch: {}: {}", printable(url), printable(&reason(error)));
        }
        let _ = match self {
            Self::Bodies => out.write_all(body),
            Self::Lines => {
                let status = status.map_or("---".into(), |status| status.to_string());
                let seconds = elapsed.as_secs_f64();
                writeln!(out, "{status} {:>9} {seconds:>8.3} {}", body.len(), printable(url))
            }
            Self::Json => {
                let ms = elapsed.as_micros() as f64 / 1000.0;
                let error = outcome.as_ref().err().map(reason);
                let row = Row { url, status, bytes: body.len(), ms, attempts: *attempts, error };
                serde_json::to_writer(&mut *out, &row)
                    .map_err(Into::into)
                    .and_then(|()| writeln!(out))
            }
        };
    }
}

/// The error and what lies at the bottom of it, in one line. What lies between only says that
/// something lies below.
fn reason(error: &FetchError) -> String {
    match iter::successors(error.source(), |&error| error.source()).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The text on one line, and without what would move a terminal's cursor.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What has become of all URLs.
#[derive(Debug, Default)]
pub struct Summary {
    ok: u64,
    failed: u64,
    bytes: u64,
    slowest: Option<(Duration, String)>,
}

impl Summary {
    /// Counts one URL in.
    pub fn add(&mut self, fetched: &Fetched) {
        match &fetched.outcome {
            Ok(page) => {
                self.ok += 1;
                self.bytes += page.body.len() as u64;
            }
            Err(_) => self.failed += 1,
        }
        if self.slowest.as_ref().is_none_or(|(slowest, _)| fetched.elapsed > *slowest) {
            self.slowest = Some((fetched.elapsed, fetched.url.clone()));
        }
    }

    /// Whether all came.
    pub fn all_ok(&self) -> bool {
        self.failed == 0
    }

    /// The last line: how many, how much, how long.
    pub fn line(&self, wall: Duration) -> String {
        let Self { ok, failed, bytes, slowest } = self;
        let (bytes, wall) = (ByteSize(*bytes).display().iec(), wall.as_secs_f64());
        let mut line = format!("{ok} ok, {failed} failed, {bytes} in {wall:.2} s");
        if let Some((slowest, url)) = slowest {
            let slowest = slowest.as_secs_f64();
            line.push_str(&format!("; slowest {slowest:.2} s {}", printable(url)));
        }
        line
    }
}
