//! Timelines: the child process records when each task of a lesson runs, and the parent process
//! draws the timeline.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Records the start of a span, such as the run of a task. The span ends when the returned value is
/// dropped, which also happens after a panic or a cancellation.
pub fn span(name: impl Into<String>) -> Span {
    let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
    spans.push((name.into(), Instant::now(), None));
    Span { place: spans.len() - 1 }
}

/// The guard that [`span`] returns.
#[derive(Debug)]
pub struct Span {
    place: usize,
}

impl Drop for Span {
    fn drop(&mut self) {
        let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
        // If the lesson has already ended, `take` has removed the entry.
        if let Some((_, _, end)) = spans.get_mut(self.place) {
            *end = Some(Instant::now());
        }
    }
}

static SPANS: Mutex<Vec<(String, Instant, Option<Instant>)>> = Mutex::new(Vec::new());

/// A recorded span: when it began and ended, in milliseconds since the lesson began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    pub name: String,
    pub start_ms: f64,
    /// The end, or `None` if the span had not ended when the lesson ended.
    pub end_ms: Option<f64>,
}

/// Returns all recorded spans, in the order in which they began, and clears the list.
pub fn take(start: Instant) -> Vec<Recorded> {
    let ms = |at: Instant| at.saturating_duration_since(start).as_secs_f64() * 1e3;
    let spans = mem::take(&mut *SPANS.lock().unwrap_or_else(PoisonError::into_inner));
    spans
        .into_iter()
        .map(|(name, start, end)| Recorded { name, start_ms: ms(start), end_ms: end.map(ms) })
        .collect()
}

/// The largest number of rows that we draw.
pub const ROWS: usize = 30;
/// The width of the column for names.
const NAME: usize = 22;

/// Draws one row for each span of a lesson that took `total_ms`, but at most [`ROWS`] rows.
pub fn draw(spans: &[Recorded], total_ms: f64, width: usize) -> String {
    let room = width.saturating_sub(NAME + 4).max(10);
    // The column for a point in time.
    let column = |ms: f64| ((ms / total_ms * room as f64) as usize).min(room - 1);
    let mut text = String::new();
    for span in spans.iter().take(ROWS) {
        let from = column(span.start_ms);
        // A span that has not ended continues beyond the edge.
        let (to, mark) = span.end_ms.map_or((room - 1, ">"), |end| (column(end), ""));
        let bar = "\u{2588}".repeat(to - from + 1);
        text += &format!("  {:<NAME$}  {:from$}{bar}{mark}\n", label(&span.name), "");
    }
    if spans.len() > ROWS {
        text += &format!("  and {} more\n", spans.len() - ROWS);
    }
    text
}

/// Shortens a name to the width of its column. If the name is a URL, first removes its scheme and
/// host.
pub fn label(name: &str) -> String {
    let path = name.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
    let name = path.map_or(name, |(_, path)| if path.is_empty() { name } else { path });
    match name.char_indices().nth(NAME) {
        Some((end, _)) => name[..end].into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_span_is_drawn_on_a_separate_row_at_its_time() {
        let recorded =
            |name: &str, start_ms, end_ms| Recorded { name: name.into(), start_ms, end_ms };
        let spans = [
            recorded("first", 0.0, Some(50.0)),
            recorded("http://127.0.0.1:5/second", 50.0, Some(100.0)),
            recorded("third", 90.0, None),
        ];
        let bar = |length: usize| "\u{2588}".repeat(length);
        assert_eq!(
            draw(&spans, 100.0, NAME + 14),
            format!(
                "  {:<22}  {}\n  {:<22}       {}\n  {:<22}           {}>\n",
                "first",
                bar(6),
                "second",
                bar(5),
                "third",
                bar(1)
            )
        );
        let many = vec![recorded("one of many", 0.0, Some(1.0)); ROWS + 2];
        assert!(draw(&many, 1.0, 80).ends_with("  and 2 more\n"));
    }
}
