//! Results of the benches for the terminal.

use std::collections::BTreeSet;

use crate::bench::run::{Results, Row};
use crate::bench::stats::{Interval, median_interval, ratio_interval};
use crate::bench::{Contestant, WORKLOADS, Workload};

/// The bootstrap draws the same each time, so that the same results always look the same.
const SEED: u64 = 1;

/// Figures that are kept with each sample, and would only fill the terminal.
const NOT_SHOWN: [&str; 2] = ["process: switches", "process: peak MiB"];

/// The sentence on each workload.
pub fn bench_list() -> String {
    let line = |workload: &Workload| {
        let quick = if workload.is_quick { " (quick)" } else { "" };
        format!(
            "{}{quick}\n  {}\n  Expected: {}\n",
            workload.name, workload.what, workload.expected
        )
    };
    WORKLOADS.iter().map(line).collect()
}

/// All figures, each with its interval, and held against Tokio's.
pub fn bench(results: &Results) -> String {
    let mut text = String::new();
    let machine = &results.machine;
    let or_unknown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".into());
    text += &format!(
        "{} cores of {}, kernel {}, governor {}, load {}\n{}, commit {}, {}\n\n",
        machine.cores,
        or_unknown(&machine.processor),
        or_unknown(&machine.kernel),
        or_unknown(&machine.governor),
        machine.load.map_or_else(|| "unknown".into(), |load| load.to_string()),
        machine.versions.join(", "),
        or_unknown(&machine.commit),
        match results.threads {
            Some(threads) => format!("{threads} worker threads each"),
            None => "as many worker threads as each has by default".into(),
        },
    );
    for workload in WORKLOADS {
        let rows: Vec<&Row> =
            results.rows.iter().filter(|row| row.workload == workload.name).collect();
        let count = rows.iter().map(|row| row.samples.len()).min().unwrap_or(0);
        if count == 0 {
            continue;
        }
        text += &format!(
            "{}: {} Median of {count}, with its 95 % interval.\n  Expected: {}\n",
            workload.name, workload.what, workload.expected
        );
        for metric in metrics(&rows) {
            text += &format!("  {metric}\n");
            let tokio = rows.iter().find(|row| row.contestant == Contestant::Tokio);
            let base = tokio.map(|row| row.values(&metric)).unwrap_or_default();
            for row in &rows {
                text += &line(row, &row.values(&metric), &base);
            }
        }
        text.push('\n');
    }
    text
}

/// The metrics that are shown of these rows.
fn metrics(rows: &[&Row]) -> BTreeSet<String> {
    let of_row = |row: &&Row| {
        row.samples
            .first()
            .map(|taken| taken.metrics().into_keys().map(String::from).collect::<Vec<_>>())
    };
    let all = rows.iter().filter_map(of_row).flatten();
    all.filter(|metric| !NOT_SHOWN.contains(&metric.as_str())).collect()
}

fn line(row: &Row, values: &[f64], base: &[f64]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let Interval { low, value, high } = median_interval(values, SEED);
    let figures =
        format!("{:>10}  {:>23}", number(value), format!("{} to {}", number(low), number(high)));
    let ratio = match row.contestant {
        Contestant::Tokio => String::new(),
        _ if base.is_empty() || base.iter().any(|value| *value <= 0.0) => String::new(),
        _ => format!("  {}", against(ratio_interval(values, base, SEED), "of tokio")),
    };
    format!("    {:<10}{figures}{ratio}\n", row.contestant.name())
}

/// A ratio in words.
fn against(ratio: Interval, what: &str) -> String {
    match ratio.contains(1.0) {
        true => "no difference".into(),
        false => format!("{:.2} {what} ({:.2} to {:.2})", ratio.value, ratio.low, ratio.high),
    }
}

/// What has changed from one run to another, beyond what the samples leave open.
pub fn bench_against(new: &Results, old: &Results) -> String {
    let (mut text, mut compared, mut changed) = (String::new(), 0, 0);
    for row in &new.rows {
        let is_same = |old: &&Row| old.workload == row.workload && old.contestant == row.contestant;
        let Some(before) = old.rows.iter().find(is_same) else { continue };
        for metric in metrics(&[row]) {
            let (values, base) = (row.values(&metric), before.values(&metric));
            if values.is_empty() || base.is_empty() || base.iter().any(|value| *value <= 0.0) {
                continue;
            }
            compared += 1;
            let ratio = ratio_interval(&values, &base, SEED);
            if !ratio.contains(1.0) {
                changed += 1;
                let (workload, contestant) = (&row.workload, row.contestant.name());
                let told = against(ratio, "of what it was");
                text += &format!("{workload} on {contestant}, {metric}: {told}\n");
            }
        }
    }
    text + &format!(
        "{changed} of {compared} figures have changed; of twenty that have not, one seems to.\n"
    )
}

/// A figure with three digits that count, or all before the point.
fn number(value: f64) -> String {
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
    use crate::bench::Sample;
    use crate::bench::machine::Machine;
    use crate::bench::run::{KIND, Taken};
    use std::collections::BTreeMap;

    #[test]
    fn numbers_have_the_digits_that_count() {
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

    /// Results in which smol takes `factor` times as long as Tokio.
    fn results(factor: f64) -> Results {
        let row = |contestant, factor: f64| {
            let taken = |n: u32| {
                let value = factor * (100.0 + f64::from(n % 5));
                let metrics = BTreeMap::from([("ns a yield".into(), value)]);
                let sample = Sample { metrics, checksum: 1 };
                Taken { sample, cpu_ms: None, switches: Some(1), peak_kib: None, allocations: None }
            };
            Row { workload: "yield".into(), contestant, samples: (0..30).map(taken).collect() }
        };
        let rows = vec![row(Contestant::Tokio, 1.0), row(Contestant::Smol, factor)];
        Results { kind: KIND.into(), machine: Machine::look(), threads: Some(2), rows }
    }

    #[test]
    fn what_differs_is_told_with_its_ratio_and_what_does_not_is_no_difference() {
        let text = bench(&results(1.5));
        assert!(text.contains("yield: One task that yields. Median of 30"), "{text}");
        assert!(text.contains("1.50 of tokio"), "{text}");
        assert!(!text.contains("switches"), "{text}");
        assert!(bench(&results(1.0)).contains("no difference"));
    }

    #[test]
    fn two_runs_are_held_against_each_other() {
        let text = bench_against(&results(1.5), &results(1.0));
        assert!(text.starts_with("yield on smol, ns a yield: 1.50 of what it was"), "{text}");
        assert!(text.contains("1 of 2 figures have changed"), "{text}");
        assert!(bench_against(&results(1.0), &results(1.0)).contains("0 of 2 figures"));
    }
}
