//! Draws what a demo did: one row for each task, with time running from left to right.
//!
//! The demo records what each task does at the moment it does it. [`Timeline::text`] then draws the
//! rows with characters, and [`Timeline::svg`] draws the same rows for a README. Every lesson has
//! its own copy of this file, and all the copies are identical.
#![allow(dead_code, reason = "no lesson uses all of this file")]

use std::fmt::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use tokio::time::Instant;

/// Each character that a row may show, and what it stands for.
pub type Legend = &'static [(char, &'static str)];

/// A recording of what each task did and when.
pub struct Timeline {
    start: Instant,
    legend: Legend,
    rows: Mutex<Vec<Row>>,
}

struct Row {
    name: String,
    /// The character that the row shows from a certain time on.
    changes: Vec<(Duration, char)>,
    /// Characters that stand for a single moment. They are drawn over the changes.
    marks: Vec<(Duration, char)>,
}

impl Timeline {
    /// Starts an empty recording, and its clock.
    pub fn start(legend: Legend) -> Self {
        Self { start: Instant::now(), legend, rows: Mutex::default() }
    }

    /// Shows `sign` in the row from now on. A space ends what the row showed before.
    pub fn show(&self, row: &str, sign: char) {
        self.show_at(row, sign, Instant::now());
    }

    /// Shows `sign` in the row from the time `at` on. Within a row, each time must be at or after
    /// the previous one.
    pub fn show_at(&self, row: &str, sign: char, at: Instant) {
        let at = at.saturating_duration_since(self.start);
        with_row(&mut self.rows(), row, |row| {
            if row.changes.last().is_none_or(|(_, shown)| *shown != sign) {
                row.changes.push((at, sign));
            }
        });
    }

    /// Marks this moment in the row.
    pub fn mark(&self, row: &str, sign: char) {
        self.mark_at(row, sign, Instant::now());
    }

    /// Marks the time `at` in the row.
    pub fn mark_at(&self, row: &str, sign: char, at: Instant) {
        let at = at.saturating_duration_since(self.start);
        with_row(&mut self.rows(), row, |row| row.marks.push((at, sign)));
    }

    /// Draws the recording with characters, from its start to the last event.
    pub fn text(&self) -> String {
        /// The width of the time axis, in characters.
        const WIDTH: u32 = 60;
        let rows = self.rows();
        let end = end(&rows);
        let column = (end / WIDTH).max(Duration::from_nanos(1));
        let names = name_width(&rows);

        let mut axis = String::new();
        for tick in ticks(end) {
            let place = (tick.as_nanos() / column.as_nanos()) as usize;
            let _ = write!(axis, "{:1$}", "", place.saturating_sub(axis.len()));
            let _ = write!(axis, "{} s", tick.as_secs_f64());
        }
        let mut text = format!("{:names$}  {axis}\n", "");
        for row in rows.iter() {
            let signs: String = (0..WIDTH)
                .map(|place| {
                    // The last column includes the very end.
                    let is_last = place + 1 == WIDTH;
                    let to = if is_last { Duration::MAX } else { (place + 1) * column };
                    row.sign(place * column, to)
                })
                .collect();
            let _ = writeln!(text, "{:names$}  {}", row.name, signs.trim_end());
        }
        let legend: Vec<_> =
            self.legend.iter().map(|(sign, meaning)| format!("{sign} {meaning}")).collect();
        let _ = writeln!(text, "{:names$}  {}", "", legend.join("   "));
        text
    }

    /// Draws the recording as an SVG picture that is legible on a light page and on a dark one.
    pub fn svg(&self) -> String {
        /// The width of a character and the height of a row, in pixels.
        const CHAR: usize = 8;
        const ROW: usize = 24;
        const TIME: usize = 600;
        let rows = self.rows();
        let end = end(&rows);
        let left = CHAR * name_width(&rows) + 20;
        let x = |at: Duration| {
            left as f64 + TIME as f64 * at.as_secs_f64() / end.as_secs_f64().max(1e-9)
        };
        let legend_width: usize =
            self.legend.iter().map(|(_, meaning)| CHAR * (meaning.chars().count() + 5)).sum();
        let (width, bottom) = (left + legend_width.max(TIME + 30), ROW * (rows.len() + 1));

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{}\" \
             font-family=\"ui-monospace, monospace\" font-size=\"13\">\n<style>{STYLE}</style>\n",
            bottom + ROW
        );
        for tick in ticks(end) {
            let (x, seconds) = (x(tick), tick.as_secs_f64());
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"16\">{seconds} s</text>");
            let _ = writeln!(svg, "<path d=\"M{x:.1} {ROW}V{bottom}\"/>");
        }
        for (number, row) in rows.iter().enumerate() {
            let top = ROW * (number + 1);
            let base = top + 16;
            let _ = writeln!(svg, "<text x=\"8\" y=\"{base}\">{}</text>", escaped(&row.name));
            for (place, &(from, sign)) in row.changes.iter().enumerate() {
                let to = row.changes.get(place + 1).map_or(end, |&(to, _)| to);
                if sign != ' ' {
                    svg += &bar(sign, x(from), top + 5, (x(to) - x(from)).max(1.0));
                }
            }
            for &(at, sign) in &row.marks {
                let (x, class) = (x(at), class(sign));
                let _ = writeln!(
                    svg,
                    "<text class=\"mark {class}\" x=\"{x:.1}\" y=\"{base}\">{sign}</text>"
                );
            }
        }
        let mut x = left;
        for &(sign, meaning) in self.legend {
            let is_mark = rows.iter().any(|row| row.marks.iter().any(|(_, mark)| *mark == sign));
            if is_mark {
                let class = class(sign);
                let (x, y) = (x + 5, bottom + 18);
                let _ =
                    writeln!(svg, "<text class=\"mark {class}\" x=\"{x}\" y=\"{y}\">{sign}</text>");
            } else {
                svg += &bar(sign, x as f64, bottom + 7, 10.0);
            }
            let (text, y) = (escaped(meaning), bottom + 18);
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{y}\">{text}</text>", x + 2 * CHAR);
            x += CHAR * (meaning.chars().count() + 5);
        }
        svg + "</svg>\n"
    }

    /// Writes [`svg`](Self::svg) to a file.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn save_svg(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.svg())
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// Returns the character to draw for the time between `from` and `to`. If there is a mark in
    /// that time, returns the mark. Otherwise, returns the character of the last bar that started
    /// in that time, even if the bar has already ended, so that short bars stay visible. If no bar
    /// started, returns what the row showed before.
    fn sign(&self, from: Duration, to: Duration) -> char {
        let is_within = |at: Duration| from <= at && at < to;
        let mark = self.marks.iter().find(|(at, _)| is_within(*at));
        let started = self.changes.iter().rev().find(|(at, sign)| is_within(*at) && *sign != ' ');
        let before = self.changes.iter().rev().find(|(at, _)| *at <= from);
        mark.or(started).or(before).map_or(' ', |(_, sign)| *sign)
    }
}

/// Changes the row with that name. If the row does not exist, adds it at the bottom first.
fn with_row(rows: &mut Vec<Row>, name: &str, change: impl FnOnce(&mut Row)) {
    let place = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
        rows.push(Row { name: name.into(), changes: Vec::new(), marks: Vec::new() });
        rows.len() - 1
    });
    change(&mut rows[place]);
}

/// Returns the time of the last event.
fn end(rows: &[Row]) -> Duration {
    let times = rows.iter().flat_map(|row| row.changes.iter().chain(&row.marks));
    times.map(|(at, _)| *at).max().unwrap_or_default()
}

/// Returns the length of the longest name, in characters.
fn name_width(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0)
}

/// Returns the times at which the axis has a label: at most seven, all of them round numbers.
fn ticks(end: Duration) -> impl Iterator<Item = Duration> {
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000, 600_000];
    let step = steps.map(Duration::from_millis).into_iter().find(|step| *step * 6 >= end);
    let step = step.unwrap_or(end / 6);
    (0..7).map(move |number| step * number).filter(move |tick| *tick <= end)
}

/// Returns the SVG for one bar of a row.
fn bar(sign: char, x: f64, y: usize, width: f64) -> String {
    let class = class(sign);
    format!("<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"14\"/>\n")
}

/// Returns the CSS class that gives a character its colour in the picture. The colours are the same
/// in all lessons.
fn class(sign: char) -> &'static str {
    match sign {
        '█' => "work",
        '·' | '▒' | '○' => "wait",
        '×' => "bad",
        '✓' => "good",
        _ => "other",
    }
}

/// Escapes the characters that have a special meaning in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The colours, for a light page and for a dark one. A mark has an outline, so that it is legible
/// on a bar.
const STYLE: &str = "\
text{fill:#1f2328}path{stroke:#d1d9e0}.work{fill:#0969da}.wait{fill:#afb8c1}.bad{fill:#cf222e}\
.good{fill:#1a7f37}.other{fill:#8250df}\
.mark{text-anchor:middle;font-weight:bold;paint-order:stroke;stroke:#fff;stroke-width:3px}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}path{stroke:#3d444d}.work{fill:#4493f8}\
.wait{fill:#656c76}.bad{fill:#f85149}.good{fill:#3fb950}.other{fill:#ab7df8}.mark{stroke:#0d1117}}";
