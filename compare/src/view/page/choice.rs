//! Advises which runtime to choose. The advice uses only the results on the page.

use maud::{Markup, html};

use super::benches::{is_a_merit, more_is_better};
use crate::api;
use crate::behaviours::{BEHAVIOURS, Observation};
use crate::bench::run::{Results, Row};
use crate::bench::stats::median;
use crate::bench::{Contestant, WORKLOADS, Workload};
use crate::catalog::Runtime;
use crate::cost;
use crate::machine::Machine;
use crate::report::Report;
use crate::view::bench::{metrics, number, ratio};
use crate::view::mebibytes;

/// Formats the advice, with its reasons.
pub fn section(report: &Report) -> Markup {
    let bench = report.bench.as_ref();
    html! {
        section.choice aria-labelledby="choice" {
            h2 #choice { "Which runtime to choose" }
            p {
                "This advice uses only the results on this page. Another machine, or a program that does \
                 more between its awaits, may well lead to different advice."
            }
            @for warning in warnings(report) {
                div.notice role="note" { p { strong { "Warning: " } (warning) "." } }
            }
            div.notice role="note" {
                p {
                    strong { "Don't choose async-std or surf." }
                    " They are on this page because programs that use them have to be migrated. The open \
                     advisories are: "
                    @for (place, advisory) in cost::advisories(Runtime::AsyncStd).iter().enumerate() {
                        @if place > 0 { "; " }
                        (advisory.says) " (" (advisory.id) ")"
                    }
                    "."
                }
                @if let Some(kept) = &report.behaviours { (moving(&kept.result)) }
            }
            @for (runtime, other, contestant, rival) in [
                (Runtime::Tokio, Runtime::Smol, Contestant::Tokio, Contestant::Smol),
                (Runtime::Smol, Runtime::Tokio, Contestant::Smol, Contestant::Tokio),
            ] {
                h3 { "Reasons to choose " (runtime.name()) }
                ul {
                    (operations(runtime, other))
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

/// Returns the reasons not to trust the figures.
fn warnings(report: &Report) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(results) = &report.bench {
        let of_benches = |warning: String| format!("the benches ran with a warning: {warning}");
        warnings.extend(results.machine.warnings().into_iter().map(of_benches));
    }
    let machines = report.machines();
    let differ = |of: fn(&Machine) -> (&Option<String>, &[String])| {
        machines.windows(2).any(|pair| of(pair[0].1) != of(pair[1].1))
    };
    if differ(|machine| (&machine.processor, &machine.versions[..])) {
        warnings.push(
            "the parts of this page come from different machines or from different versions of \
             the runtimes"
                .into(),
        );
    }
    warnings
}

/// Counts the questions that async-std and smol answer in the same way, and those that async-std
/// and Tokio answer in the same way. async-std's users can move to either runtime.
fn moving(seen: &[Observation]) -> Markup {
    let answers: Vec<[Vec<&str>; 3]> = BEHAVIOURS
        .iter()
        .map(|behaviour| Runtime::ALL.map(|runtime| answers(seen, behaviour.name, runtime)))
        .filter(|row| row.iter().all(|answers| !answers.is_empty()))
        .collect();
    let alike = |other: Runtime| {
        let same =
            answers.iter().filter(|row| row[Runtime::AsyncStd as usize] == row[other as usize]);
        same.count()
    };
    html! {
        p {
            "Of " (answers.len()) " " a href="#behaviours" { "questions" }
            ", async-std gives the same answer as smol to " (alike(Runtime::Smol))
            ", and the same answer as Tokio to " (alike(Runtime::Tokio))
            ". The other answers show what changes when you migrate."
        }
    }
}

/// Returns the answers from the root future and from a task. Returns no answers if one of them was
/// not as expected.
fn answers<'a>(seen: &'a [Observation], behaviour: &str, runtime: Runtime) -> Vec<&'a str> {
    let all = seen.iter().filter(|o| o.behaviour == behaviour && o.runtime == runtime);
    let answer = |observation: &'a Observation| {
        let answer = observation.seen.as_ref()?.answer.as_str();
        let is_one = answer == observation.expected && observation.is_as_expected;
        is_one.then_some(answer)
    };
    all.map(answer).collect::<Option<_>>().unwrap_or_default()
}

/// Lists the operations that one runtime provides and the other lacks.
fn operations(runtime: Runtime, other: Runtime) -> Markup {
    let mut rows = api::rows();
    // Leave out HTTP, because no runtime comes with an HTTP client.
    rows.retain(|row| row.what != "HTTP");
    let has =
        |row: &api::Row, runtime: Runtime| !row.runtimes[runtime as usize].starts_with("no: ");
    let names: Vec<&str> =
        rows.iter().filter(|r| has(r, runtime) && !has(r, other)).map(|row| row.what).collect();
    let count = |runtime| rows.iter().filter(|row| has(row, runtime)).count();
    let (own, theirs) = (count(runtime), count(other));
    html! {
        @if own > theirs {
            li {
                a href="#api" { "More operations are built in" } ": of " (rows.len())
                " common operations, " (runtime.name()) " provides " (own) ", and " (other.name())
                " provides " (theirs) ". " (other.name()) " lacks these: " (names.join(", ")) "."
            }
        } @else if !names.is_empty() {
            li {
                a href="#api" { "Operations that " (other.name()) " lacks" } ": " (names.join(", ")) "."
            }
        }
    }
}

/// Compares what the two runtimes add to a build. Mentions only large differences, because each
/// figure comes from a single build, and the processor time of a build varies by a third.
fn adds(costs: &cost::Costs, runtime: Runtime, other: Runtime) -> Markup {
    let (ours, theirs) = (costs.added(runtime), costs.added(other));
    html! {
        @if (ours.bytes as f64) < 0.9 * theirs.bytes as f64 {
            li {
                a href="#cost" { "A smaller program" } ": " (runtime.name()) ", together with the crates \
                    that its lessons use, adds " (mebibytes(ours.bytes / 1024)) " to the executable. "
                (other.name()) ", together with its crates, adds " (mebibytes(theirs.bytes / 1024)) "."
            }
        }
        @if let (Some(ours), Some(theirs)) = (ours.cpu_seconds, theirs.cpu_seconds) {
            @if ours < 0.6 * theirs {
                li {
                    a href="#cost" { "A quicker build" } ": " (runtime.name()) ", together with the crates \
                        that its lessons use, adds " (format!("{ours:.0} s")) " of CPU time. "
                    (other.name()) ", together with its crates, adds " (format!("{theirs:.0} s"))
                    ". These figures come from a single build with each runtime."
                }
            }
        }
    }
}

/// Compares the memory of a sleeping task, if the difference is statistically significant.
fn memory(results: &Results, ours: Contestant, theirs: Contestant) -> Markup {
    let bytes = |contestant| {
        let rows = rows(results, "memory", contestant);
        rows.first().map(|row| row.values("bytes a task")).unwrap_or_default()
    };
    let (name, ours, theirs) = (theirs.name(), bytes(ours), bytes(theirs));
    let is_less = ratio(&ours, &theirs).is_some_and(|ratio| ratio.high < 1.0);
    html! {
        @if is_less {
            li {
                a href="#bench-memory" { "A large number of waiting tasks" } ": each takes "
                (number(median(&ours))) " bytes, whereas a task on " (name) " takes "
                (number(median(&theirs))) "."
            }
        }
    }
}

/// Lists the workloads in which a runtime was ahead, both with the common number of threads and
/// with its default number.
fn ahead_in(results: &Results, ours: Contestant, theirs: Contestant) -> Markup {
    // Leave out the memory workloads, because the function `memory` covers them, and `http-own`,
    // because its HTTP clients don't all do the same work.
    let is_fit =
        |workload: &&Workload| !workload.name.starts_with("memory") && workload.name != "http-own";
    let workloads = WORKLOADS.iter().filter(is_fit).filter(|workload| {
        let [ours, theirs] =
            [ours, theirs].map(|contestant| rows(results, workload.name, contestant));
        are_ahead(&ours, &theirs)
    });
    let workloads: Vec<&str> = workloads.map(|workload| workload.name).collect();
    html! {
        @if !workloads.is_empty() {
            li {
                "Work that resembles the workloads in which " (ours.name())
                " was ahead, regardless of the number of threads: "
                @for (place, name) in workloads.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "#bench-" (name) } { (name) }
                }
                "."
            }
        }
    }
}

/// Returns a contestant's rows for a workload: the row with the common number of threads, and, if
/// there is one, the row with the contestant's default number.
fn rows<'a>(results: &'a Results, workload: &str, contestant: Contestant) -> Vec<&'a Row> {
    let is_it = |row: &&Row| row.workload == workload && row.contestant == contestant;
    results.rows.iter().filter(is_it).collect()
}

/// Returns whether each of `ours` is ahead of each of `theirs`.
fn are_ahead(ours: &[&Row], theirs: &[&Row]) -> bool {
    let is_ahead_of_all = |ours: &&Row| theirs.iter().all(|theirs| is_ahead(ours, theirs));
    !ours.is_empty() && !theirs.is_empty() && ours.iter().all(is_ahead_of_all)
}

/// Returns whether `ours` is significantly better in at least one figure, and not significantly
/// worse in any.
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

/// Lists the default behaviours in which the two runtimes differ.
fn by_default(seen: &[Observation], runtime: Runtime, other: Runtime) -> Markup {
    let habits = [
        ("dropped-handle", "A dropped handle"),
        ("panic-awaited", "A panic in a task that you await"),
        ("worker-threads", "The default number of worker threads"),
    ];
    let habits = habits.map(|(name, habit)| {
        let [ours, theirs] = [runtime, other].map(|runtime| answers(seen, name, runtime));
        let (ours, theirs) = (*ours.first()?, *theirs.first()?);
        (ours != theirs).then_some((habit, ours))
    });
    html! {
        @for (habit, answer) in habits.into_iter().flatten() {
            li { a href="#behaviours" { (habit) } ": " (super::marked(answer)) "." }
        }
    }
}

/// Lists the workloads in which plain threads were ahead of every runtime.
fn threads(results: &Results) -> Markup {
    // Leave out HTTP, because the control implements only as much of HTTP as the server needs, and
    // leave out locks, because std's lock can be used on a runtime as well.
    let is_fit = |workload: &&Workload| {
        workload.control == "threads"
            && !["http", "lock"].iter().any(|it| workload.name.starts_with(it))
    };
    let are_behind = |workload: &&Workload| {
        let control = rows(results, workload.name, Contestant::Control);
        let runtimes = [Contestant::Tokio, Contestant::AsyncStd, Contestant::Smol];
        runtimes.iter().all(|runtime| are_ahead(&control, &rows(results, workload.name, *runtime)))
    };
    let names: Vec<&str> =
        WORKLOADS.iter().filter(is_fit).filter(are_behind).map(|workload| workload.name).collect();
    html! {
        @if !names.is_empty() {
            h3 { "Reasons to choose no runtime" }
            ul {
                li {
                    "All your work resembles the workloads in which plain threads were ahead of \
                     all three runtimes: " (names.join(", "))
                    ". For the other costs of threads, see the process figures of these workloads."
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviours::{self, Behaviour, From, Seen};
    use crate::bench::Sample;
    use crate::bench::run::{KIND, Taken};
    use crate::cost::{Build, Costs};
    use crate::kept::Kept;

    fn row(workload: &str, contestant: Contestant, metric: &str, value: f64) -> Row {
        let taken = |n: u32| {
            let value = value * (1.0 + f64::from(n % 5) / 1000.0);
            let sample = Sample { metrics: [(metric.to_owned(), value)].into(), checksum: 1 };
            Taken { sample, cpu_ms: None, switches: None, peak_kib: None, allocations: None }
        };
        let samples = (0..30).map(taken).collect();
        Row { workload: workload.into(), contestant, threads: Some(2), is_default: false, samples }
    }

    fn advice(rows: Vec<Row>) -> String {
        let bench =
            Results { kind: KIND.into(), machine: Machine::look(), threads: 2, stolen: None, rows };
        section(&Report { bench: Some(bench), ..Report::default() }).into_string()
    }

    /// Returns the part of the advice for one runtime.
    fn part<'a>(text: &'a str, runtime: &str) -> &'a str {
        let (_, after) = text.split_once(&format!("<h3>Reasons to choose {runtime}<")).unwrap();
        after.split("<h3>").next().unwrap()
    }

    #[test]
    fn a_workload_is_listed_for_the_runtime_that_was_ahead() {
        use Contestant::{AsyncStd, Control, Smol, Tokio};
        let rate = "requests a second";
        let text = advice(vec![
            row("yield", Tokio, "ns a yield", 200.0),
            row("yield", Smol, "ns a yield", 100.0),
            row("echo-1", Tokio, rate, 200.0),
            row("echo-1", Smol, rate, 100.0),
            // These two do not differ, so neither is ahead.
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
        assert!(smol.contains("each takes 301 bytes, whereas a task on tokio takes 501"), "{smol}");
        assert!(!text.contains("#bench-channel"), "{text}");
        assert!(text.contains("ahead of all three runtimes: file."), "{text}");
    }

    #[test]
    fn a_runtime_that_is_better_in_one_figure_and_worse_in_another_is_not_ahead() {
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
    fn without_results_the_page_shows_the_notice_and_the_operations() {
        let text = section(&Report::default()).into_string();
        assert!(
            text.contains("Don't choose async-std or surf") && text.contains("RUSTSEC-2025-0052")
        );
        assert!(text.contains("More operations are built in"), "{text}");
        assert!(!text.contains("bench-"), "{text}");
    }

    #[test]
    fn a_runtime_that_is_behind_with_other_threads_or_has_few_samples_is_not_ahead() {
        let tokio = row("yield", Contestant::Tokio, "ns a yield", 100.0);
        let smol = row("yield", Contestant::Smol, "ns a yield", 200.0);
        let mut alone = row("yield", Contestant::Smol, "ns a yield", 50.0);
        alone.is_default = true;
        assert!(are_ahead(&[&tokio], &[&smol]));
        assert!(!are_ahead(&[&tokio], &[&smol, &alone]));
        assert!(!are_ahead(&[&smol, &alone], &[&tokio]));
        assert!(!are_ahead(&[&tokio], &[]));
        let few = |row: &Row| Row { samples: row.samples[..2].to_vec(), ..row.clone() };
        assert!(!are_ahead(&[&few(&tokio)], &[&few(&smol)]));
    }

    #[test]
    fn a_build_that_is_hardly_smaller_or_quicker_is_not_listed() {
        let build =
            |cpu, bytes| Build { crates: 1, cpu_seconds: Some(cpu), wall_seconds: 1.0, bytes };
        let added = |smol| {
            let runtimes = [build(200.0, 2 << 20), build(0.0, 0), smol];
            let costs = Costs { rustc: String::new(), baseline: build(100.0, 1 << 20), runtimes };
            adds(&costs, Runtime::Smol, Runtime::Tokio).into_string()
        };
        let much = added(build(150.0, 3 << 19));
        assert!(much.contains("adds 0.5 MiB") && much.contains("adds 50 s"), "{much}");
        assert_eq!(added(build(195.0, (2 << 20) - 1000)), "");
    }

    /// Returns an observation for every experiment. Either all observations are as expected, or
    /// none of them is.
    fn observations(is_as_expected: bool) -> Kept<Vec<Observation>> {
        let one = |behaviour: &Behaviour, runtime: Runtime, asked_from: From| {
            let expected = behaviour.expected().answer(runtime, asked_from);
            Observation {
                behaviour: behaviour.name.into(),
                runtime,
                asked_from,
                seen: Some(Seen { answer: expected.into(), detail: None }),
                expected: expected.into(),
                is_as_expected,
            }
        };
        let mut all = Vec::new();
        for behaviour in BEHAVIOURS {
            for runtime in Runtime::ALL {
                let from = behaviour.asked_from.iter();
                all.extend(from.map(|asked_from| one(behaviour, runtime, *asked_from)));
            }
        }
        Kept::new(behaviours::KIND, Machine::look(), all)
    }

    #[test]
    fn default_behaviours_are_listed_if_they_differ_and_were_as_expected() {
        let advice = |is_as_expected| {
            let behaviours = Some(observations(is_as_expected));
            section(&Report { behaviours, ..Report::default() }).into_string()
        };
        let text = advice(true);
        assert!(
            part(&text, "smol").contains("A dropped handle</a>: the task is cancelled."),
            "{text}"
        );
        assert!(
            part(&text, "tokio").contains("A dropped handle</a>: the task continues."),
            "{text}"
        );
        assert!(
            text.contains("Of 25 <a href=\"#behaviours\">questions</a>, async-std gives the same")
                && text.contains("answer as smol to 19"),
            "{text}"
        );
        let text = advice(false);
        assert!(!text.contains("A dropped handle") && text.contains("Of 0 "), "{text}");
    }

    #[test]
    fn parts_from_different_versions_cause_a_warning() {
        let mut behaviours = observations(true);
        let mut lessons = Kept::new(crate::child::KIND, Machine::look(), Vec::new());
        lessons.machine.versions = vec!["tokio 0.1".into()];
        let text = |lessons: Kept<_>, behaviours: Kept<_>| {
            let report = Report {
                lessons: Some(lessons),
                behaviours: Some(behaviours),
                ..Report::default()
            };
            section(&report).into_string()
        };
        behaviours.machine.versions = vec!["tokio 0.2".into()];
        let words = "the parts of this page come from different machines";
        assert!(text(lessons, behaviours).contains(words));
        let same = Kept::new(crate::child::KIND, Machine::look(), Vec::new());
        assert!(!text(same, observations(true)).contains(words));
    }
}
