//! What the terminal shows: plain text, made of data by pure functions.

mod code;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::api;
use crate::behaviours::{Behaviour, Observation, Seen};
use crate::child::{Outcome, Run};
use crate::timeline;

pub use code::{Source, code};

/// The width of the terminal in characters; 180 where there is none.
pub fn terminal_width() -> u16 {
    terminal_size::terminal_size().map_or(180, |(width, _)| width.0.clamp(60, 1000))
}

/// One row per run: lesson, runtime, what it cost, and whether its answer is the right one.
pub fn lessons_table(runs: &[Run]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "lesson",
        "runtime",
        "code lines",
        "wall",
        "CPU",
        "peak memory",
        "threads",
        "answer",
    ]);
    let mut lesson = "";
    for run in runs {
        let report = run.outcome.report();
        let number = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        // A name is said once, above its three runtimes.
        let name = if lesson == run.lesson { "" } else { run.lesson };
        lesson = run.lesson;
        table.add_row([
            name.into(),
            run.runtime.name().into(),
            run.lines.code.to_string(),
            number(report.map(|report| format!("{:.0} ms", report.wall_ms))),
            number(report.and_then(|report| report.cpu_ms).map(|ms| format!("{ms:.1} ms"))),
            number(report.and_then(|report| report.peak_kib).map(mebibytes)),
            number(run.threads.map(|threads| threads.to_string())),
            answer(&run.outcome),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// When each task of each run ran.
pub fn timelines(runs: &[Run], width: usize) -> String {
    let mut text = String::new();
    for run in runs {
        let Some(report) = run.outcome.report() else { continue };
        let (lesson, runtime) = (run.lesson, run.runtime.name());
        text += &format!("{lesson} on {runtime}, {:.0} ms:\n", report.wall_ms);
        text += &timeline::draw(&report.spans, report.wall_ms, width);
        text.push('\n');
    }
    text
}

fn mebibytes(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

fn answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Same(_) => "same".into(),
        Outcome::Wrong { expected, report } => {
            format!("WRONG: {} instead of {expected}", report.answer)
        }
        Outcome::Panic { message } => format!("PANIC: {message}"),
        Outcome::Hang { seconds } => format!("HANG: killed after {seconds} s"),
        Outcome::Failed { message } => format!("FAILED: {message}"),
        Outcome::NotBuilt => "not built".into(),
    }
}

/// The sentence under the table.
pub fn verdict(runs: &[Run]) -> String {
    let answered = runs.iter().filter(|run| !matches!(run.outcome, Outcome::NotBuilt)).count();
    match runs.iter().filter(|run| !run.outcome.is_same()).count() {
        0 => format!("{answered} runs, every answer as it should be,"),
        bad => format!("{answered} runs, {bad} of them not as they should be,"),
    }
}

/// What was seen of one behaviour: the question, a line for each runtime, and the reason.
pub fn behaviour(behaviour: &Behaviour, row: &[Observation], width: usize) -> String {
    let mut text = format!("{}\n", behaviour.name);
    let mut add = |line: &str, indent: usize| {
        for line in wrapped(line, width.min(100) - indent) {
            text += &format!("{:indent$}{line}\n", "");
        }
    };
    add(&behaviour.question(), 2);
    for observation in row {
        let seen = match &observation.seen {
            None => "not built".into(),
            Some(Seen { answer, detail: None }) => answer.clone(),
            Some(Seen { answer, detail: Some(detail) }) => format!("{answer} ({detail})"),
        };
        let mark = match observation.is_as_expected {
            true => String::new(),
            false => format!(" -- EXPECTED: {}", observation.expected),
        };
        add(&format!("{:<10}{seen}{mark}", observation.runtime.name()), 4);
    }
    add(&format!("Why: {}", behaviour.expected().why), 2);
    add(&format!("Source: compare/{}", behaviour.source), 2);
    text.push('\n');
    text
}

/// Breaks a text between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.trim_end().chars().count() <= width => {
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines.iter().map(|line| line.trim_end().into()).collect()
}

/// How asyncio and each runtime spell the usual things.
pub fn api_table(rows: &[api::Row], width: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(["", "asyncio", "tokio", "async-std", "smol"]);
    for row in rows {
        let [tokio, async_std, smol] = row.runtimes.each_ref().map(String::as_str);
        table.add_row([row.what, row.asyncio, tokio, async_std, smol]);
    }
    format!("{table}\n")
}
