//! Formats the results of the benches for the terminal.

use std::collections::BTreeSet;

use crate::bench::run::{Results, Row, Taken};
use crate::bench::stats::{ENOUGH, Interval, median, median_interval, ratio_interval};
use crate::bench::{WORKLOADS, Workload};

/// The seed for the bootstrap. It is fixed, so that the same samples always have the same interval.
pub const SEED: u64 = 1;

/// Formats the description of each workload.
pub fn bench_list() -> String {
    let line = |workload: &Workload| {
        let quick = if workload.is_quick { " (quick)" } else { "" };
        let control = match workload.control {
            "" => String::new(),
            control => format!("  Control: {control}\n"),
        };
        format!(
            "{}{quick}\n  {}\n  Expected: {}\n{control}",
            workload.name, workload.what, workload.expected
        )
    };
    WORKLOADS.iter().map(line).collect()
}

/// Formats all figures, each with its interval, and with its ratio to Tokio's figure.
pub fn bench(results: &Results) -> String {
    let mut text = String::new();
    let machine = &results.machine;
    let or_unknown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".into());
    text += &format!(
        "{} cores of {}{}, kernel {}, governor {}, load {}{}\n{}, commit {}, {}\n\n",
        machine.cores,
        or_unknown(&machine.processor),
        if machine.is_virtual == Some(true) { " (a virtual machine)" } else { "" },
        or_unknown(&machine.kernel),
        or_unknown(&machine.governor),
        machine.load.map_or_else(|| "unknown".into(), |load| load.to_string()),
        stolen(results),
        machine.versions.join(", "),
        or_unknown(&machine.commit),
        worker_threads(results.threads),
    );
    for workload in WORKLOADS {
        let rows: Vec<&Row> =
            results.rows.iter().filter(|row| row.workload == workload.name).collect();
        let count = rows.iter().map(|row| row.samples.len()).min().unwrap_or(0);
        if count == 0 {
            continue;
        }
        text += &format!(
            "{}: {} {}\n  Expected: {}\n",
            workload.name,
            workload.what,
            medians_of(count),
            workload.expected
        );
        for metric in metrics(&rows) {
            text += &format!("  {metric}\n");
            let base = base(&rows, &metric);
            for row in &rows {
                text += &line(row, &row.values(&metric), &base);
            }
        }
        text += &of_the_processes(&rows);
        text.push('\n');
    }
    text
}

/// Returns a sentence that describes the figures for this number of samples.
pub fn medians_of(count: usize) -> String {
    match count {
        few if few < ENOUGH => format!("Median of {few}: too few samples to show a difference."),
        enough => format!("Median of {enough} samples, with its 95 % interval."),
    }
}

/// Returns a phrase that says how much processor time the host withheld during the run, if that is
/// known.
pub fn stolen(results: &Results) -> String {
    let part =
        |part: f64| format!(", {:.1} % of the processor time stolen during the run", 100.0 * part);
    results.stolen.map(part).unwrap_or_default()
}

pub fn worker_threads(threads: usize) -> String {
    if threads == 1 {
        "1 worker thread each".into()
    } else {
        format!("{threads} worker threads each")
    }
}

/// Returns the names of the workload's own figures, without the figures for the whole process.
pub fn metrics(rows: &[&Row]) -> BTreeSet<String> {
    let samples = rows.iter().filter_map(|row| row.samples.first());
    samples.flat_map(|taken| taken.sample.metrics.keys().cloned()).collect()
}

/// Returns the names of the figures for the whole process. These figures include the start of the
/// runtime and the warm-up.
pub fn process_metrics(rows: &[&Row]) -> BTreeSet<String> {
    let samples = rows.iter().filter_map(|row| row.samples.first());
    let all = samples.flat_map(Taken::metrics).map(|(name, _)| name.to_owned());
    all.filter(|metric| metric.starts_with("process: ")).collect()
}

/// Returns the values with which we compare all other values: Tokio's values, measured with the
/// common number of threads.
pub fn base(rows: &[&Row], metric: &str) -> Vec<f64> {
    let tokio = rows.iter().find(|row| row.is_base());
    tokio.map(|row| row.values(metric)).unwrap_or_default()
}

/// Returns the ratio of the values to the base, or `None` if there are too few samples or if the
/// base contains a zero.
pub fn ratio(values: &[f64], base: &[f64]) -> Option<Interval> {
    let is_enough = values.len().min(base.len()) >= ENOUGH;
    let has_ratio = is_enough && base.iter().all(|value| *value > 0.0);
    has_ratio.then(|| ratio_interval(values, base, SEED))
}

fn line(row: &Row, values: &[f64], base: &[f64]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let Interval { low, value, high } = median_interval(values, SEED);
    let figures =
        format!("{:>10}  {:>23}", number(value), format!("{} to {}", number(low), number(high)));
    let ratio = ratio(values, base).filter(|_| !row.is_base());
    let ratio = ratio.map(|ratio| format!("  {}", against(ratio, "times tokio")));
    format!("    {:<15}{figures}{}\n", row.title(), ratio.unwrap_or_default())
}

/// Formats the medians of the figures for the whole process, with a line for each row and a column
/// for each figure.
fn of_the_processes(rows: &[&Row]) -> String {
    let metrics = process_metrics(rows);
    let title = |metric: &String| format!("{:>13}", metric.trim_start_matches("process: "));
    let mut text = format!("  {:<17}", "whole process");
    text.extend(metrics.iter().map(title));
    text.push('\n');
    for row in rows {
        text += &format!("    {:<15}", row.title());
        for metric in &metrics {
            let values = row.values(metric);
            let value = if values.is_empty() { "-".into() } else { number(median(&values)) };
            text += &format!("{value:>13}");
        }
        text.push('\n');
    }
    text
}

/// Formats a ratio in words.
pub fn against(ratio: Interval, what: &str) -> String {
    let [value, low, high] = [ratio.value, ratio.low, ratio.high].map(number);
    match ratio.contains(1.0) {
        true => format!("no difference ({low} to {high})"),
        false => format!("{value} {what} ({low} to {high})"),
    }
}

/// Formats the figures that have changed significantly from one run to another: the interval of the
/// ratio does not contain 1.
pub fn bench_against(new: &Results, old: &Results) -> String {
    let (mut text, mut compared, mut changed) = (String::new(), 0, 0);
    for row in &new.rows {
        let Some(before) = old.rows.iter().find(|old| old.is_like(row)) else { continue };
        for metric in metrics(&[row]).into_iter().chain(process_metrics(&[row])) {
            let Some(ratio) = ratio(&row.values(&metric), &before.values(&metric)) else {
                continue;
            };
            compared += 1;
            if !ratio.contains(1.0) {
                changed += 1;
                let change = against(ratio, "times the earlier figure");
                text += &format!("{}, {}, {metric}: {change}\n", row.workload, row.title());
            }
        }
    }
    text + &format!(
        "{changed} of {compared} figures have changed. By chance, this count also \
         includes about one in twenty unchanged figures.\n"
    )
}

/// Formats a figure with three significant digits, but keeps all digits before the decimal point.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        large if large >= 100.0 => {
            let digits = format!("{value:.0}");
            let (sign, digits) =
                digits.strip_prefix('-').map_or(("", digits.as_str()), |d| ("-", d));
            let groups: Vec<&str> = digits
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|group| std::str::from_utf8(group).unwrap_or_default())
                .collect();
            format!("{sign}{}", groups.join(","))
        }
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::run::{KIND, Taken};
    use crate::bench::{Contestant, Sample};
    use crate::machine::Machine;
    use std::collections::BTreeMap;

    #[test]
    fn figures_have_three_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.12345, "0.123"),
            (1.2345, "1.23"),
            (12.345, "12.3"),
            (123.45, "123"),
            (1234.5, "1,234"),
            (1_234_567.8, "1,234,568"),
            (-1234.5, "-1,234"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    /// Returns results in which smol takes `factor` times as long as Tokio.
    fn results(factor: f64) -> Results {
        let row = |contestant, factor: f64| {
            let taken = |n: u32| {
                let value = factor * (100.0 + f64::from(n % 5));
                let metrics = BTreeMap::from([("ns a yield".into(), value)]);
                let sample = Sample { metrics, checksum: 1 };
                Taken { sample, cpu_ms: None, switches: Some(1), peak_kib: None, allocations: None }
            };
            let samples = (0..30).map(taken).collect();
            let (threads, is_default) = (Some(2), false);
            Row { workload: "yield".into(), contestant, threads, is_default, samples }
        };
        let rows = vec![row(Contestant::Tokio, 1.0), row(Contestant::Smol, factor)];
        Results { kind: KIND.into(), machine: Machine::look(), threads: 2, stolen: None, rows }
    }

    #[test]
    fn a_ratio_is_shown_only_for_figures_that_differ() {
        let text = bench(&results(1.5));
        assert!(
            text.contains("yield: Yields in one task, again and again. Median of 30"),
            "{text}"
        );
        assert!(text.contains("1.50 times tokio ("), "{text}");
        assert!(text.contains("whole process         switches"), "{text}");
        assert!(bench(&results(1.0)).contains("no difference (0.9"));
    }

    #[test]
    fn too_few_samples_show_no_difference() {
        let mut results = results(1.5);
        for row in &mut results.rows {
            row.samples.truncate(ENOUGH - 1);
        }
        let text = bench(&results);
        assert!(text.contains("Median of 5: too few samples to show a difference"), "{text}");
        assert!(!text.contains("times tokio"), "{text}");
        assert!(bench_against(&results, &results).contains("0 of 0 figures"));
    }

    #[test]
    fn two_runs_are_compared() {
        let text = bench_against(&results(1.5), &results(1.0));
        assert!(
            text.starts_with("yield, smol, ns a yield: 1.50 times the earlier figure"),
            "{text}"
        );
        assert!(text.contains("1 of 4 figures have changed"), "{text}");
        assert!(bench_against(&results(1.0), &results(1.0)).contains("0 of 4 figures"));
    }
}
