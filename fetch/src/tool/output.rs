//! Formats the tool's output: a line, a body or a JSON object for each URL, and a summary at the
//! end.

use std::error::Error;
use std::iter;
use std::time::Duration;

use bytesize::ByteSize;
use fetch::{FetchError, Fetched};
use serde::Serialize;

use super::printer::Text;
use crate::printable::{printable, printable_json};

/// What to print for each URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line with the status, the number of bytes, the seconds and the URL.
    Lines,
    /// The body alone.
    Bodies,
    /// One JSON object per line.
    Json,
}

/// One line of JSON.
#[derive(Serialize)]
struct Row<'a> {
    url: &'a str,
    status: Option<u16>,
    bytes: u64,
    ms: f64,
    attempts: u32,
    error: Option<String>,
}

impl Format {
    /// Returns the text to print for one URL.
    pub fn text(self, fetched: Fetched) -> Text {
        let Fetched { url, outcome, attempts, elapsed } = fetched;
        let mut text = Text::default();
        let (status, bytes) = match &outcome {
            Ok(page) => (Some(page.status), page.length),
            Err(FetchError::Status { status, .. }) => (Some(*status), 0),
            Err(_) => (None, 0),
        };
        let status = status.map(|status| status.as_u16());
        let error = outcome.as_ref().err().map(reason);
        if let Some(error) = &error {
            let line = format!("fetch: {}: {}\n", printable(&url), printable(error));
            text.err = line.into();
        }
        match (self, outcome) {
            (Self::Bodies, outcome) => text.out = outcome.map_or(Vec::new(), |page| page.body),
            (Self::Lines, _) => {
                let status = status.map_or("---".into(), |status| status.to_string());
                let (seconds, url) = (elapsed.as_secs_f64(), printable(&url));
                text.out = format!("{status} {bytes:>9} {seconds:>8.3} {url}\n").into();
            }
            (Self::Json, _) => {
                let ms = elapsed.as_micros() as f64 / 1000.0;
                let row = Row { url: &url, status, bytes, ms, attempts, error };
                let json = serde_json::to_string(&row).unwrap_or_default();
                text.out = (printable_json(&json) + "\n").into();
            }
        }
        text
    }
}

/// Returns the error and its innermost cause, in one line. The causes in between add no
/// information.
pub fn reason(error: &FetchError) -> String {
    match iter::successors(error.source(), |&error| error.source()).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The totals for all URLs.
#[derive(Debug, Default)]
pub struct Summary {
    ok: u64,
    failed: u64,
    bytes: u64,
    slowest: Option<(Duration, String)>,
}

impl Summary {
    /// Adds the result for one URL.
    pub fn add(&mut self, fetched: &Fetched) {
        match &fetched.outcome {
            Ok(page) => {
                self.ok += 1;
                self.bytes += page.length;
            }
            Err(_) => self.failed += 1,
        }
        if self.slowest.as_ref().is_none_or(|(slowest, _)| fetched.elapsed > *slowest) {
            self.slowest = Some((fetched.elapsed, fetched.url.clone()));
        }
    }

    /// Returns the exit status: 0 if all URLs were fetched, and 1 otherwise.
    pub fn code(&self) -> i32 {
        (self.failed > 0).into()
    }

    /// Returns the last line of the output: how many URLs succeeded and failed, how many bytes were
    /// received, how long the whole run took, and which URL was the slowest.
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
