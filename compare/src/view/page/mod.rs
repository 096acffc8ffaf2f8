//! Formats the whole comparison as one HTML page, which loads no other files. These functions are
//! pure: they turn results into text.

mod benches;
mod choice;
mod code;
mod method;
mod plot;
mod tables;
mod timelines;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::catalog::{self, Lesson, Runtime};
use crate::child::Run;
use crate::kept::Kept;
use crate::report::Report;

const STYLE: &str = include_str!("style.css");

/// Formats the page.
///
/// # Errors
/// Fails if a source cannot be highlighted, or if a plot cannot be drawn.
pub fn page(report: &Report) -> anyhow::Result<String> {
    let lessons = catalog::find_all(&[])?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Tokio, async-std and smol, side by side" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    h1 { "Tokio, async-std and smol, side by side" }
                    p.lead {
                        "This page shows the same seven small programs on three runtimes, the behaviours in \
                         which the runtimes differ, and what the runtimes cost. The program that wrote \
                         this page also measured every figure on it."
                    }
                    (contents(&lessons))
                }
                main #content {
                    (choice::section(report))
                    section aria-labelledby="lessons" {
                        h2 #lessons { "The lessons" }
                        p {
                            "Each lesson is written three times, each time in the runtime's idiom, with the \
                             same steps in the same order. The parts that all three files have in common \
                             are dimmed. The HTTP client is reqwest on Tokio, surf on async-std, and \
                             hyper, through smol-hyper, on smol."
                        }
                        @for lesson in &lessons { (self::lesson(lesson, report.lessons.as_ref())?) }
                    }
                    (tables::api())
                    (tables::behaviours(report.behaviours.as_ref()))
                    (tables::cost(report.cost.as_ref()))
                    (benches::section(report.bench.as_ref())?)
                    (method::section(report))
                }
            }
        }
    };
    Ok(page.into_string())
}

fn contents(lessons: &[&Lesson]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#choice" { "Which runtime to choose" } }
                li {
                    a href="#lessons" { "The lessons" } ": "
                    @for (place, lesson) in lessons.iter().enumerate() {
                        @if place > 0 { ", " }
                        a href={ "#lesson-" (lesson.name) } { (lesson.name) }
                    }
                }
                li { a href="#api" { "Common operations on each runtime" } }
                li { a href="#behaviours" { "The behaviours" } }
                li { a href="#cost" { "What a runtime adds to a build" } }
                li { a href="#benches" { "The benches" } }
                li { a href="#method" { "How everything was measured" } }
            }
        }
    }
}

/// Wraps a table that may be wider than the screen, so that readers can scroll the table with the
/// mouse or the keyboard, independently of the page.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (table) } }
}

fn not_measured(command: &str) -> Markup {
    html! { p.missing { "Not measured. Run " code { (command) } " to measure this." } }
}

fn lesson(lesson: &Lesson, kept: Option<&Kept<Vec<Run>>>) -> anyhow::Result<Markup> {
    let runs = kept.map(|kept| kept.result.iter().filter(|run| run.lesson == lesson.name));
    let runs: Vec<&Run> = runs.into_iter().flatten().collect();
    Ok(html! {
        section.lesson aria-labelledby={ "lesson-" (lesson.name) } {
            h3 id={ "lesson-" (lesson.name) } { (lesson.name) }
            p { (lesson.about()) }
            @if runs.is_empty() {
                (not_measured("compare lessons"))
            } @else {
                (scrolling(&format!("Figures for {}", lesson.name), &figures(lesson, &runs)))
                (timelines::of(&runs))
            }
            (code::of(lesson)?)
        }
    })
}

/// Formats the figures of one run on each runtime.
fn figures(lesson: &Lesson, runs: &[&Run]) -> Markup {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    html! {
        table {
            caption { "One run of " (lesson.name) " on each runtime" }
            thead {
                tr {
                    th scope="col" { "Runtime" }
                    th.number scope="col" { "Lines of code" }
                    th.number scope="col" { "Wall" }
                    th.number scope="col" { "CPU" }
                    th.number scope="col" { "Peak memory" }
                    th.number scope="col" { "Threads" }
                    th scope="col" { "Answer" }
                }
            }
            tbody {
                @for run in runs {
                    @let report = run.outcome.report();
                    tr {
                        th scope="row" { (run.runtime.name()) }
                        td.number { (run.lines.code) }
                        td.number { (or_none(report.map(|r| format!("{:.0} ms", r.wall_ms)))) }
                        td.number {
                            (or_none(report.and_then(|r| r.cpu_ms).map(|ms| format!("{ms:.1} ms"))))
                        }
                        td.number { (or_none(report.and_then(|r| r.peak_kib).map(super::mebibytes))) }
                        td.number { (or_none(run.threads.map(|threads| threads.to_string()))) }
                        td.unexpected[!run.outcome.is_same()] { (super::answer(&run.outcome)) }
                    }
                }
            }
        }
    }
}

/// Formats the column headers for the three runtimes.
fn runtime_heads() -> Markup {
    html! { @for runtime in Runtime::ALL { th scope="col" { (runtime.name()) } } }
}

/// Formats text in which backticks mark code.
fn marked(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::run::{KIND, Results, Row, Taken};
    use crate::bench::{Contestant, Sample, WORKLOADS};
    use crate::machine::Machine;

    const FEW: usize = 1;

    /// Returns a run of one workload with this many samples. Each sample has three figures, which
    /// is the average number in a real run.
    fn results(samples: u32) -> Results {
        let taken = |n: u32| {
            let value = 12_345.678 + f64::from(n);
            let metrics = (0..3).map(|figure| (format!("us of figure {figure}"), value));
            let sample = Sample { metrics: metrics.collect(), checksum: 1 };
            let (cpu_ms, switches, peak_kib) = (Some(value), Some(12_345), Some(12_345));
            Taken { sample, cpu_ms, switches, peak_kib, allocations: None }
        };
        let row = |workload: &str, contestant, is_default| {
            let samples = (0..samples).map(taken).collect();
            Row { workload: workload.into(), contestant, threads: Some(2), is_default, samples }
        };
        let rows = WORKLOADS.iter().take(FEW).flat_map(|workload| {
            let equal = Contestant::ALL.map(|contestant| row(workload.name, contestant, false));
            equal.into_iter().chain([row(workload.name, Contestant::Smol, true)])
        });
        let (kind, machine, rows) = (KIND.into(), Machine::look(), rows.collect());
        Results { kind, machine, threads: 2, stolen: Some(0.01), rows }
    }

    #[test]
    fn the_page_is_smaller_than_two_megabytes_however_many_samples_there_are() {
        let size = |bench| page(&Report { bench, ..Report::default() }).unwrap().len();
        let (without, with) = (size(None), size(Some(results(101))));
        let all = without + (with - without) * WORKLOADS.len() / FEW;
        // The size does not include the figures and timelines of the lessons, which take about 100
        // KB.
        assert!((500_000..1_800_000).contains(&all), "{all}");
    }
}
