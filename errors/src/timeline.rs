//! A picture of what a demo did: one row for each task, and time from left to right.
//!
//! The demo records what each task does at the moment it does it. [`Timeline::text`] then draws the
//! rows with characters, and [`Timeline::svg`] draws the same rows for a README. Every lesson has
//! its own copy of this file, and all the copies are identical.
#![allow(dead_code, reason = "no lesson needs all of it")]

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
    /// Starts an empty recording. Its time begins now.
    pub fn start(legend: Legend) -> Self {
        Self { start: Instant::now(), legend, rows: Mutex::default() }
    }

    /// Shows `sign` in the row from now on. A space ends what the row showed before.
    pub fn show(&self, row: &str, sign: char) {
        self.show_at(row, sign, Instant::now());
    }

    /// Shows `sign` in the row from the time `at` on. The times of one row must not go backwards.
    pub fn show_at(&self, row: &str, sign: char, at: Instant) {
        let at = at.saturating_duration_since(self.start);
        with_row(&mut self.rows(), row, |row| row.changes.push((at, sign)));
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

    /// Draws the recording with characters, from its start to the last thing recorded.
    pub fn text(&self) -> String {
        /// How many characters the time between the start and the end takes.
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
                    // The last column has the very end in it.
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

    /// Draws the recording as an SVG picture, which is legible on a light and on a dark page.
    pub fn svg(&self) -> String {
        const TIME: f64 = 600.0;
        const ROW: usize = 24;
        let rows = self.rows();
        let end = end(&rows);
        let left = 8 * name_width(&rows) + 20;
        let x = |at: Duration| left as f64 + TIME * at.as_secs_f64() / end.as_secs_f64().max(1e-9);
        let (width, bottom) = (left + TIME as usize + 30, ROW * (rows.len() + 1));
        let height = bottom + ROW;

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" font-family=\"ui-monospace, monospace\" \
             font-size=\"13\">\n<style>{STYLE}</style>\n"
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
                let (from, length, class) = (x(from), x(to) - x(from), self.class(sign));
                if sign != ' ' {
                    let _ = writeln!(
                        svg,
                        "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"14\"/>",
                        top + 5,
                        length.max(1.0)
                    );
                }
            }
            for &(at, sign) in &row.marks {
                let (x, class) = (x(at), self.class(sign));
                let _ = writeln!(
                    svg,
                    "<text class=\"{class}\" x=\"{x:.1}\" y=\"{base}\" text-anchor=\"middle\">{sign}</text>"
                );
            }
        }
        let mut x = left;
        for (sign, meaning) in self.legend {
            let class = self.class(*sign);
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{}\"><tspan class=\"{class}\">{sign}</tspan> {}</text>",
                bottom + 18,
                escaped(meaning)
            );
            x += 8 * (meaning.chars().count() + 5);
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

    /// The colour of a character: `s0` for the first of the legend, and so on.
    fn class(&self, sign: char) -> String {
        let place = self.legend.iter().position(|(known, _)| *known == sign).unwrap_or(0);
        format!("s{place}")
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// What the row shows between two times: a mark if there is one. Otherwise it shows the last
    /// thing that started in between, so that short stretches stay visible, or what it showed before.
    fn sign(&self, from: Duration, to: Duration) -> char {
        let is_within = |at: Duration| from <= at && at < to;
        let mark = self.marks.iter().find(|(at, _)| is_within(*at));
        let started = self.changes.iter().rev().find(|(at, sign)| is_within(*at) && *sign != ' ');
        let before = self.changes.iter().rev().find(|(at, _)| *at <= from);
        mark.or(started).or(before).map_or(' ', |(_, sign)| *sign)
    }
}

/// The row of that name, which is added at the bottom if it is new.
fn with_row(rows: &mut Vec<Row>, name: &str, change: impl FnOnce(&mut Row)) {
    let place = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
        rows.push(Row { name: name.into(), changes: Vec::new(), marks: Vec::new() });
        rows.len() - 1
    });
    change(&mut rows[place]);
}

/// The time of the last thing recorded.
fn end(rows: &[Row]) -> Duration {
    let times = rows.iter().flat_map(|row| row.changes.iter().chain(&row.marks));
    times.map(|(at, _)| *at).max().unwrap_or_default()
}

/// How many characters the longest name has.
fn name_width(rows: &[Row]) -> usize {
    rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0)
}

/// The round times at which the axis has a label: at most seven of them.
fn ticks(end: Duration) -> impl Iterator<Item = Duration> {
    let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000, 600_000];
    let step = steps.map(Duration::from_millis).into_iter().find(|step| *step * 6 >= end);
    let step = step.unwrap_or(end / 6);
    (0..7).map(move |number| step * number).filter(move |tick| *tick <= end)
}

/// The text with the characters replaced that have a meaning in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The colours, for a light page and for a dark one.
const STYLE: &str = "\
text{fill:#1f2328}path{stroke:#d1d9e0}\
.s0{fill:#0969da}.s1{fill:#afb8c1}.s2{fill:#bf3989}.s3{fill:#1a7f37}.s4{fill:#9a6700}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}path{stroke:#3d444d}\
.s0{fill:#4493f8}.s1{fill:#656c76}.s2{fill:#db61a2}.s3{fill:#3fb950}.s4{fill:#d29922}}";
