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
            h2 #method { "How everything was measured" }
            @if let Some(results) = &report.bench { (bench_method(results)) }
            p {
                "Each lesson runs once on each runtime, in a separate process, and the lesson's \
                 figures describe that process. The figures show that waits overlap. They don't \
                 tell you how fast a runtime is. The servers for the lessons run in the parent \
                 process."
            }
            h3 { "Limits" }
            ul {
                li {
                    "All connections use the loopback interface. Servers and clients share the cores."
                }
                li {
                    "The tasks do very little, and hardly compute anything between two awaits. In \
                     a real program, the work between two awaits usually outweighs everything \
                     that is measured here."
                }
                li {
                    "Waking another thread is expensive, especially on a virtual machine. That may be why \
                     one thread is faster than two in some workloads."
                }
                li { "We maintain the list of advisories ourselves. It does not come from a scan." }
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
            "Every sample of a bench is taken in a separate process. Each workload is written \
             once for all runtimes, and its work is done in spawned tasks. A workload returns a checksum, \
             which must be the same on all runtimes. Most workloads run for a while before the \
             measurement starts, as a warm-up. The runtimes take turns in random order, " (samples)
            " times, with " (worker_threads(results.threads)) "."
            @if results.rows.iter().any(|row| row.is_default) {
                " A runtime with a different default is also measured with its default number of \
                 threads."
            }
            @if let Some(part) = results.stolen {
                " During the run, the host withheld " (format!("{:.1} %", 100.0 * part))
                " of the processor time from this virtual machine."
            }
        }
        p {
            "Each figure is a median with its 95 % bootstrap interval. The figure's ratio to Tokio's figure \
             also has such an interval. If the interval of the ratio contains 1, these samples do not show \
             a difference."
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
            caption { "The machine on which each part was measured, and the machine's load" }
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
