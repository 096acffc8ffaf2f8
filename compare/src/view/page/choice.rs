//! Which runtime to choose: drawn from the results on the page, and from nothing else.

use maud::{Markup, html};

use super::benches::{is_a_merit, more_is_better};
use crate::api;
use crate::behaviours::{BEHAVIOURS, Observation};
use crate::bench::run::{Results, Row};
use crate::bench::{Contestant, WORKLOADS, Workload};
use crate::catalog::Runtime;
use crate::cost;
use crate::report::Report;
use crate::view::bench::{metrics, number, ratio};
use crate::view::mebibytes;

/// The advice, with its reasons.
pub fn section(report: &Report) -> Markup {
    let bench = report.bench.as_ref();
    html! {
        section.choice aria-labelledby="choice" {
            h2 #choice { "Which runtime to choose" }
            p {
                "Drawn from what is on this page, and from nothing else. Another machine, or a program that \
                 does more between its awaits, may well say otherwise."
            }
            div.notice role="note" {
                p {
                    strong { "Neither async-std nor surf." }
                    " Both are discontinued (" (cost::advisories(Runtime::AsyncStd).join(", "))
                    "). They are here because programs on them have to be moved."
                }
                @if let Some(kept) = &report.behaviours { (moving(&kept.result)) }
            }
            @for (runtime, other, contestant, rival) in [
                (Runtime::Tokio, Runtime::Smol, Contestant::Tokio, Contestant::Smol),
                (Runtime::Smol, Runtime::Tokio, Contestant::Smol, Contestant::Tokio),
            ] {
                h3 { (runtime.name()) ", if you want" }
                ul {
                    (spelt(runtime, other))
                    @if let Some(kept) = &report.cost { (adds(&kept.result, runtime, other)) }
                    @if let Some(results) = bench {
                        (memory(results, contestant, rival))
                        (ahead_in(results, contestant, rival))
                    }
                    @if let Some(kept) = &report.behaviours { (by_default(&kept.result, runtime, other)) }
                }
            }
            @if let Some(results) = bench { (threads(results)) }
        }
    }
}

/// What async-std's users find again where they go.
fn moving(seen: &[Observation]) -> Markup {
    let alike = |other: Runtime| {
        let same = BEHAVIOURS.iter().filter(|behaviour| {
            let answer = |runtime| answer(seen, behaviour.name, runtime);
            answer(Runtime::AsyncStd).is_some() && answer(Runtime::AsyncStd) == answer(other)
        });
        same.count()
    };
    html! {
        p {
            "Of " (BEHAVIOURS.len()) " " a href="#behaviours" { "questions" } ", async-std answers "
            (alike(Runtime::Smol)) " as smol does, and " (alike(Runtime::Tokio))
            " as Tokio does: what changes with a move is in the rest."
        }
    }
}

fn answer<'a>(seen: &'a [Observation], behaviour: &str, runtime: Runtime) -> Option<&'a str> {
    let mut all = seen.iter();
    let observation = all.find(|o| o.behaviour == behaviour && o.runtime == runtime)?;
    observation.seen.as_ref().map(|seen| seen.answer.as_str())
}

/// The things of the table of spellings that a runtime has, and the other has not.
fn spelt(runtime: Runtime, other: Runtime) -> Markup {
    let rows = api::rows();
    let has =
        |row: &api::Row, runtime: Runtime| !row.runtimes[runtime as usize].starts_with("no: ");
    let names: Vec<&str> =
        rows.iter().filter(|r| has(r, runtime) && !has(r, other)).map(|row| row.what).collect();
    let count = |runtime| rows.iter().filter(|row| has(row, runtime)).count();
    let (own, theirs) = (count(runtime), count(other));
    html! {
        @if !names.is_empty() {
            li {
                @if own > theirs {
                    a href="#api" { "More of it there" } ": of " (rows.len()) " usual things it has " (own)
                    " of its own. "
                } @else {
                    a href="#api" { "Of its own" } " what "
                }
                (other.name()) " has not: " (list(&names)) "."
            }
        }
    }
}

/// What it adds to a build, where that is less.
fn adds(costs: &cost::Costs, runtime: Runtime, other: Runtime) -> Markup {
    let [ours, theirs] = [runtime, other].map(|runtime| {
        let (build, none) = (&costs.runtimes[runtime as usize], &costs.baseline);
        let cpu = build.cpu_seconds.zip(none.cpu_seconds).map(|(with, without)| with - without);
        (cpu, build.bytes.saturating_sub(none.bytes))
    });
    html! {
        @if ours.1 < theirs.1 {
            li {
                a href="#cost" { "A smaller program" } ": it adds " (mebibytes(ours.1 / 1024))
                " to the executable, where " (other.name()) " adds " (mebibytes(theirs.1 / 1024)) "."
            }
        }
        @if let (Some(ours), Some(theirs)) = (ours.0, theirs.0) {
            @if ours < theirs {
                li {
                    a href="#cost" { "A quicker build" } ": it adds " (format!("{ours:.0} s"))
                    " of CPU, where " (other.name()) " adds " (format!("{theirs:.0} s")) "."
                }
            }
        }
    }
}

/// What a sleeping task takes, where that is less.
fn memory(results: &Results, ours: Contestant, theirs: Contestant) -> Markup {
    let [ours, theirs] = [ours, theirs].map(|contestant| {
        let row = row(results, "memory", contestant)?;
        let values = row.values("bytes a task");
        (!values.is_empty()).then(|| (contestant, crate::bench::stats::median(&values)))
    });
    html! {
        @if let (Some((_, ours)), Some((name, theirs))) = (ours, theirs) {
            @if ours < theirs {
                li {
                    a href="#bench-memory" { "Very many tasks that wait" } ": each takes "
                    (number(ours)) " bytes, where those of " (name.name()) " take " (number(theirs)) "."
                }
            }
        }
    }
}

/// Work in which it was ahead.
fn ahead_in(results: &Results, ours: Contestant, theirs: Contestant) -> Markup {
    // What a sleeping task takes has been said; clients of the runtimes do not all do the same work.
    let is_fit = |workload: &&Workload| !["memory", "http-own"].contains(&workload.name);
    let workloads = WORKLOADS.iter().filter(is_fit).filter(|workload| {
        let rows = [ours, theirs].map(|contestant| row(results, workload.name, contestant));
        matches!(rows, [Some(ours), Some(theirs)] if is_ahead(ours, theirs))
    });
    let workloads: Vec<&str> = workloads.map(|workload| workload.name).collect();
    html! {
        @if !workloads.is_empty() {
            li {
                "Work like that in which it was ahead with equal threads: "
                @for (place, name) in workloads.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "#bench-" (name) } { (name) }
                }
                "."
            }
        }
    }
}

fn row<'a>(results: &'a Results, workload: &str, contestant: Contestant) -> Option<&'a Row> {
    let is_it =
        |row: &&Row| row.workload == workload && row.contestant == contestant && !row.is_default;
    results.rows.iter().find(is_it)
}

/// Whether one is better beyond doubt in one figure at least, and worse in none.
fn is_ahead(ours: &Row, theirs: &Row) -> bool {
    let (mut better, mut worse) = (false, false);
    for metric in metrics(&[ours]).into_iter().filter(|metric| is_a_merit(metric)) {
        let Some(ratio) = ratio(&ours.values(&metric), &theirs.values(&metric)) else { continue };
        if !ratio.contains(1.0) {
            let is_better = (ratio.value > 1.0) == more_is_better(&metric);
            better |= is_better;
            worse |= !is_better;
        }
    }
    better && !worse
}

/// What it does when nothing is said, where the two differ.
fn by_default(seen: &[Observation], runtime: Runtime, other: Runtime) -> Markup {
    let habits = [
        ("dropped-handle", "A dropped handle"),
        ("panic-awaited", "A panic in a task that is awaited"),
        ("worker-threads", "Threads, when nothing is said about it"),
    ];
    let habits = habits.map(|(name, habit)| {
        let [ours, theirs] = [runtime, other].map(|runtime| answer(seen, name, runtime));
        Some((habit, ours.filter(|_| ours != theirs)?))
    });
    html! {
        @for (habit, answer) in habits.into_iter().flatten() {
            li { a href="#behaviours" { (habit) } ": " (super::marked(answer)) "." }
        }
    }
}

/// Work in which plain threads were ahead of every runtime.
fn threads(results: &Results) -> Markup {
    let names: Vec<&str> = WORKLOADS
        .iter()
        // The control of HTTP knows no more of it than the server needs.
        .filter(|workload| workload.control == "threads" && !workload.name.starts_with("http"))
        .filter(|workload| {
            let all = Contestant::ALL.map(|contestant| row(results, workload.name, contestant));
            let [runtimes @ .., control] = all;
            control.is_some_and(|control| {
                runtimes.iter().all(|runtime| runtime.is_some_and(|row| is_ahead(control, row)))
            })
        })
        .map(|workload| workload.name)
        .collect();
    html! {
        @if !names.is_empty() {
            h3 { "No runtime at all, if you want" }
            ul {
                li {
                    "Only work like that in which plain threads were ahead of all three: " (list(&names))
                    ". What they cost in memory and switches stands in each table."
                }
            }
        }
    }
}

fn list(names: &[&str]) -> String {
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Sample;
    use crate::bench::run::{KIND, Taken};
    use crate::machine::Machine;

    fn row(workload: &str, contestant: Contestant, metric: &str, value: f64) -> Row {
        let taken = |n: u32| {
            let value = value * (1.0 + f64::from(n % 5) / 1000.0);
            let sample = Sample { metrics: [(metric.to_owned(), value)].into(), checksum: 1 };
            Taken { sample, cpu_ms: None, switches: None, peak_kib: None, allocations: None }
        };
        let samples = (0..30).map(taken).collect();
        Row { workload: workload.into(), contestant, threads: Some(2), is_default: false, samples }
    }

    fn told(rows: Vec<Row>) -> String {
        let bench =
            Results { kind: KIND.into(), machine: Machine::look(), threads: 2, stolen: None, rows };
        section(&Report { bench: Some(bench), ..Report::default() }).into_string()
    }

    /// The part of the advice for one runtime.
    fn part<'a>(text: &'a str, runtime: &str) -> &'a str {
        let (_, after) = text.split_once(&format!("<h3>{runtime}, if")).unwrap();
        after.split("<h3>").next().unwrap()
    }

    #[test]
    fn who_is_ahead_is_said_of_the_one_that_is() {
        use Contestant::{AsyncStd, Control, Smol, Tokio};
        let rate = "requests a second";
        let text = told(vec![
            row("yield", Tokio, "ns a yield", 200.0),
            row("yield", Smol, "ns a yield", 100.0),
            row("echo-1", Tokio, rate, 200.0),
            row("echo-1", Smol, rate, 100.0),
            // No difference: nobody is ahead.
            row("channel", Tokio, "ns", 100.0),
            row("channel", Smol, "ns", 100.0),
            row("memory", Tokio, "bytes a task", 500.0),
            row("memory", Smol, "bytes a task", 300.0),
            row("file", Tokio, "us a file", 300.0),
            row("file", AsyncStd, "us a file", 300.0),
            row("file", Smol, "us a file", 300.0),
            row("file", Control, "us a file", 100.0),
        ]);
        let (tokio, smol) = (part(&text, "tokio"), part(&text, "smol"));
        assert!(tokio.contains("#bench-echo-1") && !tokio.contains("#bench-yield"), "{tokio}");
        assert!(smol.contains("#bench-yield") && !smol.contains("#bench-echo-1"), "{smol}");
        assert!(smol.contains("each takes 301 bytes, where those of tokio take 501"), "{smol}");
        assert!(!text.contains("#bench-channel"), "{text}");
        assert!(text.contains("ahead of all three: file."), "{text}");
    }

    #[test]
    fn better_in_one_figure_and_worse_in_another_is_not_ahead() {
        let two = |contestant, one: f64, other: f64| {
            let mut row = row("echo-1", contestant, "us, p50", one);
            for taken in &mut row.samples {
                taken.sample.metrics.insert("us, p99".into(), other);
            }
            row
        };
        let (tokio, smol) = (two(Contestant::Tokio, 1.0, 5.0), two(Contestant::Smol, 2.0, 4.0));
        assert!(!is_ahead(&tokio, &smol) && !is_ahead(&smol, &tokio));
    }

    #[test]
    fn without_results_there_is_the_notice_and_what_can_be_read_from_the_sources() {
        let text = section(&Report::default()).into_string();
        assert!(text.contains("Neither async-std nor surf") && text.contains("RUSTSEC-2025-0052"));
        assert!(text.contains("More of it there"), "{text}");
        assert!(!text.contains("bench-"), "{text}");
    }
}
