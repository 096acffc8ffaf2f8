//! Formats the tables without timings: common operations on each runtime, how each runtime behaves,
//! and what each runtime adds to a build.

use maud::{Markup, html};

use super::{marked, not_measured, runtime_heads, scrolling};
use crate::api;
use crate::behaviours::{BEHAVIOURS, Observation, Seen};
use crate::catalog::Runtime;
use crate::cost::{self, Costs};
use crate::kept::Kept;
use crate::view::{mebibytes, more_seconds, seconds};

/// Shows the code for common operations in asyncio and on each runtime.
pub fn api() -> Markup {
    let table = html! {
        table.api {
            caption { "Common operations in asyncio and in the three runtimes" }
            thead { tr { th scope="col" { "Operation" } th scope="col" { "asyncio" } (runtime_heads()) } }
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
            h2 #api { "Common operations on each runtime" }
            p {
                "The cells for the three runtimes are taken from the source code of this program, \
                 so they compile. If a runtime does not provide an operation, the cell shows what \
                 people use instead."
            }
            (scrolling("Common operations on each runtime", &table))
        }
    }
}

fn snippet(cell: &str) -> Markup {
    match cell.strip_prefix("no: ") {
        None => html! { code { (cell) } },
        // The first line names what people use instead. The other lines, if any, are the code.
        Some(instead) => {
            let (what, code) = instead.split_once('\n').unwrap_or((instead, ""));
            html! {
                span.none { "none: " (marked(what)) }
                @if !code.is_empty() { br; code { (code) } }
            }
        }
    }
}

/// Shows how each runtime answered each question.
pub fn behaviours(kept: Option<&Kept<Vec<Observation>>>) -> Markup {
    html! {
        section aria-labelledby="behaviours" {
            h2 #behaviours { "The behaviours" }
            @match kept {
                None => (not_measured("compare behaviours")),
                Some(kept) => {
                    p {
                        "Each question was answered by running a few lines of code on each \
                         runtime, in a separate process. The expected answers were written down \
                         separately. An answer that differs from the expected one is marked."
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
            caption { "Each runtime's answers, and the reasons" }
            thead {
                tr { th scope="col" { "Question" } (runtime_heads()) th scope="col" { "Why" } }
            }
            tbody {
                @for behaviour in BEHAVIOURS {
                    @let row = Runtime::ALL.map(|runtime| of(seen, behaviour.name, runtime));
                    @let differ = answers_differ(&row);
                    tr {
                        th scope="row" {
                            span.name { (behaviour.name) } " " (marked(&behaviour.question())) " "
                            span.source { (behaviour.source) }
                        }
                        @for observations in &row { td.differs[differ] { (answers(observations)) } }
                        td { (marked(behaviour.expected().why)) }
                    }
                }
            }
        }
    }
}

/// Returns a runtime's answers to a question: first the answer from the root future, then the
/// answer from a task.
fn of<'a>(seen: &'a [Observation], behaviour: &str, runtime: Runtime) -> Vec<&'a Observation> {
    let all = seen.iter().filter(|o| o.behaviour == behaviour && o.runtime == runtime);
    all.collect()
}

fn answer_of(observation: &Observation) -> Option<&str> {
    observation.seen.as_ref().map(|seen| seen.answer.as_str())
}

/// Returns whether the runtimes that were asked gave different answers.
fn answers_differ(row: &[Vec<&Observation>; 3]) -> bool {
    let asked = row.iter().filter(|observations| !observations.is_empty());
    let answers = asked.map(|observations| observations.iter().map(|o| answer_of(o)).collect());
    let answers: Vec<Vec<_>> = answers.filter(|a: &Vec<_>| a.iter().all(Option::is_some)).collect();
    answers.windows(2).any(|pair| pair[0] != pair[1])
}

/// Formats the answer from the root future. Adds the answer from a task only if it differs, or if
/// we expect it to differ.
fn answers(observations: &[&Observation]) -> Markup {
    html! {
        @match observations {
            [] => "not asked",
            [root, task] if answer_of(root) != answer_of(task) || root.expected != task.expected => {
                (answer(root)) br; "In a task: " (answer(task))
            }
            [first, ..] => (answer(first)),
        }
    }
}

fn answer(observation: &Observation) -> Markup {
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

/// Shows what each runtime adds to a build without a runtime.
pub fn cost(kept: Option<&Kept<Costs>>) -> Markup {
    html! {
        section aria-labelledby="cost" {
            h2 #cost { "What a runtime adds to a build" }
            @match kept {
                None => (not_measured("compare cost")),
                Some(kept) => {
                    p {
                        "This program was built from scratch in release mode with " (kept.result.rustc)
                        ", once without a runtime and once with each runtime alone. The figures for a \
                         runtime include the other crates that its lessons use, such as its HTTP client."
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
                    td.number { (seconds(none.cpu_seconds)) }
                    td.number { (mebibytes(none.bytes / 1024)) }
                    td {}
                }
                @for runtime in Runtime::ALL {
                    @let added = costs.added(runtime);
                    tr {
                        th scope="row" { (runtime.name()) " adds" }
                        td.number { "+" (added.crates) }
                        td.number { (more_seconds(added.cpu_seconds)) }
                        td.number { "+" (mebibytes(added.bytes / 1024)) }
                        td { (cost::advisory_ids(runtime, ", ")) }
                    }
                }
            }
        }
    }
}
