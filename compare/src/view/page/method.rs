//! How it was measured, and on what.

use maud::{Markup, html};

use super::scrolling;
use crate::bench::run::Results;
use crate::machine::Machine;
use crate::report::Report;
use crate::view::bench::worker_threads;

/// The method, its limits, and the machines.
pub fn section(report: &Report) -> Markup {
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
            (worker_threads(results.threads))
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
