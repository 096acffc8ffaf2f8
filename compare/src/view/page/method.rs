//! Explains how the figures were measured, and on which machines.

use maud::{Markup, html};

use super::scrolling;
use crate::bench::run::Results;
use crate::machine::Machine;
use crate::report::Report;
use crate::view::bench::worker_threads;

/// Formats the section on the method, its limits, and the machines.
pub fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="method" {
            h2 #method { "How it was measured" }
            @if let Some(results) = &report.bench { (bench_method(results)) }
            p {
                "Each lesson runs once on each runtime, in a process of its own, and its figures are those \
                 of that process. They show that waits overlap, and say nothing about speed. The servers \
                 of the lessons are in the parent process."
            }
            h3 { "Limits" }
            ul {
                li { "All connections are over loopback. Servers and clients share the cores." }
                li {
                    "The work is small, and does nothing between two awaits. In a real program, the work \
                     between two awaits usually outweighs everything that is measured here."
                }
                li {
                    "Waking another thread is expensive, especially on a virtual machine. That may be why \
                     one thread is faster than two in some workloads."
                }
                li { "We keep the list of advisories by hand. It does not come from a scan." }
            }
            @let machines = report.machines();
            @if !machines.is_empty() {
                h3 { "The machines" }
                (scrolling("The machines", &machines_table(&machines)))
            }
        }
    }
}

fn bench_method(results: &Results) -> Markup {
    let samples = results.rows.iter().map(|row| row.samples.len()).max().unwrap_or(0);
    html! {
        p {
            "Every sample of a bench has a process of its own. Each workload is written once for all \
             runtimes, and its work is done in spawned tasks. A checksum of the work must be the same on \
             all of them. Repeated work warms up first, and the warm-up is not measured. The runtimes take \
             turns in random order, " (samples) " times, with " (worker_threads(results.threads)) "."
            @if results.rows.iter().any(|row| row.is_default) {
                " A runtime with another default number of threads is also measured with that number."
            }
            @if let Some(part) = results.stolen {
                " During the run, the host took " (format!("{:.1} %", 100.0 * part))
                " of the processors' time away from this virtual machine."
            }
        }
        p {
            "Each figure is a median with its 95 % bootstrap interval. Its ratio to Tokio's figure also has \
             such an interval. If the interval of the ratio contains 1, these samples do not show a \
             difference."
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
            caption { "The machine that measured each part, and its load" }
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
