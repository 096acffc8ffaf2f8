//! Formats the output for the terminal. The functions are pure: they turn data into plain text.

mod bench;
mod code;
mod page;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::api;
use crate::behaviours::{self, Behaviour, Observation};
use crate::catalog::Runtime;
use crate::child::{Outcome, Run};
use crate::cost::{self, Costs};
use crate::timeline;

pub use bench::{bench, bench_against, bench_list};
pub use code::{Source, code};
pub use page::page;

/// Returns the width of the terminal in characters, or 180 if the output is not a terminal.
pub fn terminal_width() -> u16 {
    terminal_size::terminal_size().map_or(180, |(width, _)| width.0.clamp(60, 1000))
}

/// Formats a table with one row per run: the lesson, the runtime, the cost, and whether the answer
/// is correct.
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
        // Print the name of a lesson only in the first of its three rows.
        let name = if lesson == run.lesson { "" } else { &run.lesson };
        lesson = &run.lesson;
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

/// Draws the timeline of each run.
pub fn timelines(runs: &[Run], width: usize) -> String {
    let mut text = String::new();
    for run in runs {
        let Some(report) = run.outcome.report() else { continue };
        let (lesson, runtime) = (&run.lesson, run.runtime.name());
        text += &format!("{lesson} on {runtime}, {:.0} ms:\n", report.wall_ms);
        text += &timeline::draw(&report.spans, report.wall_ms, width);
        text.push('\n');
    }
    text
}

fn mebibytes(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".into(), |seconds| format!("{seconds:.0} s"))
}

fn more_seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".into(), |seconds| format!("{seconds:+.0} s"))
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

/// Returns the beginning of the sentence under the table.
pub fn verdict(runs: &[Run]) -> String {
    let answered = runs.iter().filter(|run| !matches!(run.outcome, Outcome::NotBuilt)).count();
    match runs.iter().filter(|run| !run.outcome.is_same()).count() {
        0 => format!("{answered} runs, all answers correct,"),
        bad => format!("{answered} runs, {bad} of them without the correct answer,"),
    }
}

/// Formats a table of what each runtime adds to a build without a runtime.
pub fn cost_table(costs: &Costs) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
        "",
        "crates",
        "CPU to build",
        "size",
        "open advisories",
    ]);
    let none = &costs.baseline;
    table.add_row([
        "no runtime".into(),
        none.crates.to_string(),
        seconds(none.cpu_seconds),
        mebibytes(none.bytes / 1024),
        String::new(),
    ]);
    for runtime in Runtime::ALL {
        let added = costs.added(runtime);
        table.add_row([
            format!("{} adds", runtime.name()),
            format!("+{}", added.crates),
            more_seconds(added.cpu_seconds),
            format!("+{}", mebibytes(added.bytes / 1024)),
            cost::advisory_ids(runtime, "\n"),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\nRelease builds from scratch with {}, symbols stripped.\n", costs.rustc)
}

/// Formats one behaviour: the question, each runtime's answers, and the reason.
pub fn behaviour(behaviour: &Behaviour, row: &[Observation], width: usize) -> String {
    let mut text = format!("{}\n", behaviour.name);
    let mut add = |line: &str, indent: usize| {
        for line in wrapped(line, width.min(100) - indent) {
            text += &format!("{:indent$}{line}\n", "");
        }
    };
    add(&behaviour.question(), 2);
    for runtime in Runtime::ALL {
        let of_runtime: Vec<_> = row.iter().filter(|seen| seen.runtime == runtime).collect();
        for (place, line) in behaviours::lines(&of_runtime).iter().enumerate() {
            let name = if place == 0 { runtime.name() } else { "" };
            add(&format!("{name:<10}{line}"), 4);
        }
    }
    add(&format!("Why: {}", behaviour.expected().why), 2);
    add(&format!("Source: compare/{}", behaviour.source), 2);
    text.push('\n');
    text
}

/// Wraps text at word boundaries. Splits a word only if it is longer than a line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.trim_end().chars().count() <= width => {
                line.push_str(word);
            }
            _ => {
                let characters: Vec<char> = word.chars().collect();
                lines.extend(
                    characters.chunks(width.max(1)).map(|part| part.iter().collect::<String>()),
                );
            }
        }
    }
    lines.iter().map(|line| line.trim_end().into()).collect()
}

/// Formats the code for common operations, in asyncio and on each runtime. Returns a table, or a
/// list if the table's columns would be too narrow for code.
pub fn api(rows: &[api::Row], width: usize) -> String {
    if width < 120 { api_list(rows, width) } else { api_table(rows, width) }
}

fn api_table(rows: &[api::Row], width: usize) -> String {
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

fn api_list(rows: &[api::Row], width: usize) -> String {
    let mut text = String::new();
    for row in rows {
        text += &format!("{}\n", row.what);
        let runtimes = Runtime::ALL.iter().map(|runtime| runtime.name()).zip(&row.runtimes);
        let cells = runtimes.map(|(name, cell)| (name, cell.as_str()));
        for (name, cell) in std::iter::once(("asyncio", row.asyncio)).chain(cells) {
            let mut title = name;
            for line in cell.lines() {
                // A continuation line is indented by two more spaces.
                let indent = line.len() - line.trim_start().len();
                for (place, part) in
                    wrapped(line.trim_start(), (width - 14).saturating_sub(indent).max(10))
                        .iter()
                        .enumerate()
                {
                    let indent = indent + if place > 0 { 2 } else { 0 };
                    text += &format!("  {title:<10}{:indent$}{part}\n", "");
                    title = "";
                }
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_between_words_and_only_long_words_are_split() {
        assert_eq!(wrapped("to be or not", 5), ["to be", "or", "not"]);
        assert_eq!(wrapped("a longword b", 5), ["a", "longw", "ord b"]);
    }

    #[test]
    fn no_line_of_the_api_exceeds_the_width() {
        for width in [60, 61, 80, 119] {
            let text = api(&api::rows(), width);
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width, "{widest} of {width}");
        }
    }
}
