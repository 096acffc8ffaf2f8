//! The whole comparison as one page of HTML, which loads nothing from elsewhere. Pure: results in, text
//! out.

mod benches;
mod choice;
mod code;
mod plot;
mod timelines;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::api;
use crate::behaviours::{BEHAVIOURS, Observation, Seen};
use crate::bench::run::Results;
use crate::catalog::{self, Lesson, Runtime};
use crate::child::Run;
use crate::cost::{self, Costs};
use crate::kept::Kept;
use crate::machine::Machine;
use crate::report::Report;

const STYLE: &str = include_str!("style.css");

/// The page.
///
/// # Errors
/// A source cannot be taken apart for its colours, or a plot cannot be drawn.
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
                a.skip href="#content" { "To the content" }
                header {
                    h1 { "Tokio, async-std and smol, side by side" }
                    p.lead {
                        "The same seven small programs on three runtimes, the questions on which the \
                         runtimes differ, and what they cost. Every figure was measured by the \
                         program that wrote this page."
                    }
                    (contents(&lessons))
                }
                main #content {
                    (choice::section(report))
                    section aria-labelledby="lessons" {
                        h2 #lessons { "The lessons" }
                        p {
                            "Each lesson is written three times, in the idiom of its runtime, with the \
                             same steps in the same order. What all three have in common is dim. "
                            "HTTP is spoken by reqwest on Tokio, by surf on async-std, and by hyper, \
                             through smol-hyper, on smol."
                        }
                        @for lesson in &lessons { (self::lesson(lesson, report.lessons.as_ref())?) }
                    }
                    (api_section())
                    (behaviours_section(report.behaviours.as_ref()))
                    (cost_section(report.cost.as_ref()))
                    (benches::section(report.bench.as_ref())?)
                    (method(report))
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
                li { a href="#api" { "How each spells it" } }
                li { a href="#behaviours" { "The behaviours" } }
                li { a href="#cost" { "What a runtime adds to a build" } }
                li { a href="#benches" { "The benches" } }
                li { a href="#method" { "How it was measured" } }
            }
        }
    }
}

/// A table that may be wider than the screen: it scrolls by itself, also by keyboard.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (table) } }
}

fn not_measured(command: &str) -> Markup {
    html! { p.missing { "Not measured. " code { (command) } " measures it." } }
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
                (scrolling(&format!("Figures of {}", lesson.name), &figures(lesson, &runs)))
                (timelines::of(&runs))
            }
            (code::of(lesson)?)
        }
    })
}

/// One run on each runtime, in figures.
fn figures(lesson: &Lesson, runs: &[&Run]) -> Markup {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    html! {
        table {
            caption { "One run of " (lesson.name) " on each" }
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

/// The heads of the columns of the three runtimes.
fn runtime_heads() -> Markup {
    html! { @for runtime in Runtime::ALL { th scope="col" { (runtime.name()) } } }
}

fn api_section() -> Markup {
    let table = html! {
        table.api {
            caption { "The usual things in asyncio and in the three runtimes" }
            thead { tr { th scope="col" { "What" } th scope="col" { "asyncio" } (runtime_heads()) } }
            tbody {
                @for row in api::rows() {
                    tr {
                        th scope="row" { (row.what) }
                        td { (snippet(row.asyncio)) }
                        @for cell in &row.runtimes { td { (snippet(cell)) } }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="api" {
            h2 #api { "How each spells it" }
            p {
                "The cells of the three runtimes are lines that compile, taken from the sources of this \
                 program. Where a runtime has nothing of its own, the cell says what people use instead."
            }
            (scrolling("How each spells it", &table))
        }
    }
}

fn snippet(cell: &str) -> Markup {
    match cell.strip_prefix("no: ") {
        None => html! { code { (cell) } },
        // What people use instead, and how that is spelt.
        Some(instead) => {
            let (what, code) = instead.split_once('\n').unwrap_or((instead, ""));
            html! {
                span.none { "none: " (marked(what)) }
                @if !code.is_empty() { br; code { (code) } }
            }
        }
    }
}

fn behaviours_section(kept: Option<&Kept<Vec<Observation>>>) -> Markup {
    html! {
        section aria-labelledby="behaviours" {
            h2 #behaviours { "The behaviours" }
            @match kept {
                None => (not_measured("compare behaviours")),
                Some(kept) => {
                    p {
                        "Questions put to each runtime by running a few lines on it, each in a process of \
                         its own. What was expected had been written down before; an answer that differs \
                         from that is marked."
                    }
                    (scrolling("The behaviours", &behaviours_table(&kept.result)))
                }
            }
        }
    }
}

fn behaviours_table(seen: &[Observation]) -> Markup {
    html! {
        table.behaviours {
            caption { "What was seen" }
            thead {
                tr { th scope="col" { "Question" } (runtime_heads()) th scope="col" { "Why" } }
            }
            tbody {
                @for behaviour in BEHAVIOURS {
                    @let row: Vec<_> = Runtime::ALL
                        .iter()
                        .map(|runtime| {
                            let mut all = seen.iter();
                            all.find(|o| o.behaviour == behaviour.name && o.runtime == *runtime)
                        })
                        .collect();
                    @let differ = answers_differ(&row);
                    tr {
                        th scope="row" {
                            span.name { (behaviour.name) } " " (marked(&behaviour.question())) " "
                            span.source { (behaviour.source) }
                        }
                        @for observation in row { td.differs[differ] { (answer(observation)) } }
                        td { (marked(behaviour.expected().why)) }
                    }
                }
            }
        }
    }
}

/// Whether not all runtimes that were asked have answered the same.
fn answers_differ(row: &[Option<&Observation>]) -> bool {
    let seen = row.iter().flatten().filter_map(|observation| observation.seen.as_ref());
    let answers: Vec<_> = seen.map(|seen| &seen.answer).collect();
    answers.windows(2).any(|pair| pair[0] != pair[1])
}

fn answer(observation: Option<&Observation>) -> Markup {
    let Some(observation) = observation else { return html! { "not asked" } };
    html! {
        @match &observation.seen {
            None => "not built",
            Some(Seen { answer, detail }) => {
                (marked(answer))
                @if let Some(detail) = detail { " " span.detail { "(" (marked(detail)) ")" } }
            }
        }
        @if !observation.is_as_expected {
            " " strong.unexpected { "Expected: " (marked(&observation.expected)) }
        }
    }
}

/// A text in which code stands between backticks.
fn marked(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn cost_section(kept: Option<&Kept<Costs>>) -> Markup {
    html! {
        section aria-labelledby="cost" {
            h2 #cost { "What a runtime adds to a build" }
            @match kept {
                None => (not_measured("compare cost")),
                Some(kept) => {
                    p {
                        "This program built from nothing in release mode with " (kept.result.rustc)
                        ", without a runtime and with each alone. A runtime comes with what its lessons \
                         use beside it, such as its HTTP client."
                    }
                    (scrolling("What a runtime adds to a build", &cost_table(&kept.result)))
                }
            }
        }
    }
}

fn cost_table(costs: &Costs) -> Markup {
    let none = &costs.baseline;
    html! {
        table {
            caption { "Crates, processor time to build, and size of the executable without symbols" }
            thead {
                tr {
                    th scope="col" { "Build" }
                    th.number scope="col" { "Crates" }
                    th.number scope="col" { "CPU to build" }
                    th.number scope="col" { "Size" }
                    th scope="col" { "Open advisories" }
                }
            }
            tbody {
                tr {
                    th scope="row" { "no runtime" }
                    td.number { (none.crates) }
                    td.number { (super::seconds(none.cpu_seconds)) }
                    td.number { (super::mebibytes(none.bytes / 1024)) }
                    td {}
                }
                @for runtime in Runtime::ALL {
                    @let added = costs.added(runtime);
                    tr {
                        th scope="row" { (runtime.name()) " adds" }
                        td.number { "+" (added.crates) }
                        td.number { (super::more_seconds(added.cpu_seconds)) }
                        td.number { "+" (super::mebibytes(added.bytes / 1024)) }
                        td { (cost::advisory_ids(runtime, ", ")) }
                    }
                }
            }
        }
    }
}

fn method(report: &Report) -> Markup {
    html! {
        section aria-labelledby="method" {
            h2 #method { "How it was measured" }
            @if let Some(results) = &report.bench { (bench_method(results)) }
            p {
                "A lesson is run once on each runtime, in a process of its own; its figures are those of \
                 that process, and say that things overlap rather than how fast they are. Its servers \
                 are in the parent process."
            }
            h3 { "Limits" }
            ul {
                li { "All of it goes over loopback. Servers and load share the cores." }
                li {
                    "The work is small and does nothing else. What a program does between two awaits \
                     usually outweighs all that is measured here."
                }
                li {
                    "A wake-up of another thread is dear, on a virtual machine more than elsewhere. Where \
                     one thread is faster than two, that may be why."
                }
                li { "Advisories are a list by hand, not a scan." }
            }
            @let machines = report.machines();
            @if !machines.is_empty() {
                h3 { "On what" }
                (scrolling("On what it was measured", &machines_table(&machines)))
            }
        }
    }
}

fn bench_method(results: &Results) -> Markup {
    let samples = results.rows.iter().map(|row| row.samples.len()).max().unwrap_or(0);
    html! {
        p {
            "Every sample of a bench has a process of its own. The work is done in spawned tasks, is \
             written once for all runtimes, and is checked by a sum that must be the same. Where work \
             is repeated, a warm-up is thrown away. Runtimes take turns in random order, " (samples) " times, with "
            (super::bench::worker_threads(results.threads))
            @if results.rows.iter().any(|row| row.is_default) {
                "; one that by itself takes another number is measured with that, too"
            }
            "."
            @if let Some(part) = results.stolen {
                " While it ran, " (format!("{:.1} %", 100.0 * part))
                " of the processors' time was taken away by the machine under this one."
            }
        }
        p {
            "A figure is the median, with its 95 % bootstrap interval. It is held against Tokio's by \
             their ratio, which has such an interval as well: where that contains 1, they do not differ \
             by what these samples can tell."
        }
    }
}

fn machines_table(machines: &[(&str, &Machine)]) -> Markup {
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
    let row = |what: &str, value: &dyn Fn(&Machine) -> String| {
        html! {
            tr {
                th scope="row" { (what) }
                @for (_, machine) in machines { td { (value(machine)) } }
            }
        }
    };
    html! {
        table {
            caption { "The machine, and what it was doing" }
            thead {
                tr { td {} @for (what, _) in machines { th scope="col" { (what) } } }
            }
            tbody {
                (row("When", &|machine| machine.date()))
                (row("Processor", &|machine| or_unknown(&machine.processor)))
                (row("Cores", &|machine| machine.cores.to_string()))
                (row("Virtual", &|m| {
                    m.is_virtual.map_or("unknown", |yes| if yes { "yes" } else { "no" }).into()
                }))
                (row("Kernel", &|machine| or_unknown(&machine.kernel)))
                (row("Governor", &|machine| or_unknown(&machine.governor)))
                (row("Load before", &|m| m.load.map_or_else(|| "unknown".into(), |l| l.to_string())))
                (row("Versions", &|machine| machine.versions.join(", ")))
                (row("Commit", &|machine| or_unknown(&machine.commit)))
                (row("Build", &|m| if m.is_release { "release" } else { "debug" }.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::run::{KIND, Row, Taken};
    use crate::bench::{Contestant, Sample, WORKLOADS};

    const FEW: usize = 1;

    /// A run of one workload, with so many samples of three figures each, as a real one has on average.
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
    fn however_many_samples_there_are_the_page_is_smaller_than_two_megabytes() {
        let size = |bench| page(&Report { bench, ..Report::default() }).unwrap().len();
        let (without, with) = (size(None), size(Some(results(101))));
        let all = without + (with - without) * WORKLOADS.len() / FEW;
        // The figures and timelines of the lessons are not in it, which take some 100 KB.
        assert!((500_000..1_800_000).contains(&all), "{all}");
    }
}
