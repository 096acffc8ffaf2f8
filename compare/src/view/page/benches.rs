//! Shows every figure of the benches as a plot. Below the plots, there is a table of the figures,
//! followed by the samples.

use maud::{Markup, html};

use super::plot::{self, Point};
use crate::bench::run::{Results, Row};
use crate::bench::stats::{median, median_interval, quantile};
use crate::bench::{Contestant, WORKLOADS, Workload};
use crate::view::bench::{
    SEED, against as in_words, base, medians_of, metrics, number, process_metrics, ratio,
};

/// Formats the section on all workloads, including those that were not measured.
///
/// # Errors
/// Fails if a plot cannot be drawn.
pub fn section(results: Option<&Results>) -> anyhow::Result<Markup> {
    let no_rows = Vec::new();
    let rows = results.map_or(&no_rows, |results| &results.rows);
    Ok(html! {
        section aria-labelledby="benches" {
            h2 #benches { "The benches" }
            p {
                "Each plot shows the median as a point, its 95 % interval as a thick line, and the range \
                 of the middle four fifths of the samples as a thin line. A dashed line marks the control, \
                 which does the same work without a runtime. The section "
                a href="#method" { "How everything was measured" } " explains the method."
            }
            ul.jump {
                @for workload in WORKLOADS {
                    li { a href={ "#bench-" (workload.name) } { (workload.name) } }
                }
            }
            @for workload in WORKLOADS {
                section.bench aria-labelledby={ "bench-" (workload.name) } {
                    h3 id={ "bench-" (workload.name) } { (workload.name) }
                    p { (super::marked(workload.what)) }
                    p { b { "Expected: " } (super::marked(workload.expected)) }
                    (measured(workload, rows)?)
                }
            }
        }
    })
}

fn measured(workload: &Workload, rows: &[Row]) -> anyhow::Result<Markup> {
    let is_of_it = |row: &&Row| row.workload == workload.name && !row.samples.is_empty();
    let rows: Vec<&Row> = rows.iter().filter(is_of_it).collect();
    let Some(least) = rows.iter().map(|row| row.samples.len()).min() else {
        return Ok(super::not_measured(&format!("compare bench --only {}", workload.name)));
    };
    let figures: Vec<Figure> =
        metrics(&rows).into_iter().map(|metric| Figure::of(metric, &rows)).collect();
    let plots: Vec<Markup> =
        figures.iter().map(|figure| figure.plot(workload)).collect::<Result<_, _>>()?;
    Ok(html! {
        p.count { (medians_of(least)) }
        div.plots { @for plot in plots { (plot) } }
        details {
            summary { "Figures and samples for " (workload.name) }
            @let table = table(&figures);
            (super::scrolling(&format!("Figures for {}", workload.name), &table))
            @let table = of_the_processes(&rows);
            (super::scrolling(&format!("Process figures for {}", workload.name), &table))
            p {
                "The samples as CSV, in the order in which they were taken"
                @if least > WRITTEN { " (only the first " (WRITTEN) " of " (least) ")" }
                ":"
            }
            pre tabindex="0" role="region" aria-label={ "Samples for " (workload.name) } {
                (samples(&rows))
            }
        }
    })
}

/// A metric, and its value for each contestant.
struct Figure {
    metric: String,
    points: Vec<Point>,
    /// The ratio of each point to Tokio's point, in words.
    against: Vec<String>,
}

impl Figure {
    fn of(metric: String, rows: &[&Row]) -> Self {
        let base = base(rows, &metric);
        let (mut points, mut against) = (Vec::new(), Vec::new());
        for row in rows {
            let values = row.values(&metric);
            if values.is_empty() {
                continue;
            }
            points.push(Point {
                title: row.title(),
                contestant: row.contestant,
                interval: median_interval(&values, SEED),
                spread: (quantile(&values, 0.1), quantile(&values, 0.9)),
            });
            let ratio = if row.is_base() { None } else { ratio(&values, &base) };
            against.push(ratio.map(|ratio| in_words(ratio, "times tokio")).unwrap_or_default());
        }
        Self { metric, points, against }
    }

    fn plot(&self, workload: &Workload) -> anyhow::Result<Markup> {
        let Self { metric, points, .. } = self;
        let label = format!("Plot of {}, {metric}. {}", workload.name, described(points));
        let scale = if plot::is_logarithmic(points) { ", logarithmic scale" } else { "" };
        let better = match is_a_merit(metric) {
            false => "for information only",
            true if more_is_better(metric) => "more is better",
            true => "less is better",
        };
        Ok(html! {
            figure {
                figcaption { b { (metric) } " – " (better) (scale) }
                (plot::plot(points, &label)?)
            }
        })
    }
}

/// Describes a plot in words, for readers who cannot see it.
fn described(points: &[Point]) -> String {
    let one = |point: &Point| {
        let [low, value, high] =
            [point.interval.low, point.interval.value, point.interval.high].map(number);
        let role = if point.contestant == Contestant::Control { "The control, " } else { "" };
        format!("{role}{}: {value}, from {low} to {high}.", point.title)
    };
    points.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Returns whether a larger value of this metric is better.
pub fn more_is_better(metric: &str) -> bool {
    metric == "requests a second"
}

/// Returns whether one value of this metric can be better than another. The remaining metrics only
/// describe the work.
pub fn is_a_merit(metric: &str) -> bool {
    !["bytes of the future", "bytes of the handle", "requests in flight"].contains(&metric)
}

fn table(figures: &[Figure]) -> Markup {
    html! {
        table {
            caption { "Medians, their 95 % intervals, and their ratios to tokio's medians" }
            thead {
                tr {
                    th scope="col" { "Figure" }
                    th scope="col" { "Contestant" }
                    th.number scope="col" { "Median" }
                    th.number scope="col" { "From" }
                    th.number scope="col" { "To" }
                    th scope="col" { "Compared with tokio" }
                }
            }
            tbody {
                @for figure in figures {
                    @for (point, against) in figure.points.iter().zip(&figure.against) {
                        tr {
                            th scope="row" { (figure.metric) }
                            td { (point.title) }
                            td.number { (number(point.interval.value)) }
                            td.number { (number(point.interval.low)) }
                            td.number { (number(point.interval.high)) }
                            td { (against) }
                        }
                    }
                }
            }
        }
    }
}

fn of_the_processes(rows: &[&Row]) -> Markup {
    let metrics = process_metrics(rows);
    html! {
        table {
            caption { "Medians for the whole process, including its start and the warm-up" }
            thead {
                tr {
                    th scope="col" { "Contestant" }
                    @for metric in &metrics {
                        th.number scope="col" { (metric.trim_start_matches("process: ")) }
                    }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.title()) }
                        @for metric in &metrics {
                            @let values = row.values(metric);
                            td.number {
                                @if values.is_empty() { "–" } @else { (number(median(&values))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The largest number of samples that the page shows for each row. The limit keeps the page small.
const WRITTEN: usize = 100;

/// Formats the samples, with one line for each figure of each contestant.
fn samples(rows: &[&Row]) -> String {
    let mut text = String::new();
    for row in rows {
        for metric in metrics(&[row]).into_iter().chain(process_metrics(&[row])) {
            // Five significant digits are more than enough for the precision of these figures.
            let values: Vec<String> =
                row.values(&metric).iter().take(WRITTEN).map(|v| digits(*v)).collect();
            text += &format!("\"{}\",\"{metric}\",{}\n", row.title(), values.join(","));
        }
    }
    text
}

/// Formats a number with at most five significant digits.
fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let after_the_point = (4 - value.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.after_the_point$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::stats::Interval;

    #[test]
    fn the_description_of_a_plot_makes_sense_when_read_aloud() {
        let point = |title: &str, contestant, value: f64| {
            let interval = Interval { low: value - 1.0, value, high: value + 1.0 };
            Point { title: title.into(), contestant, interval, spread: (value, value) }
        };
        let points = [
            point("smol, 1 thread", Contestant::Smol, 200.0),
            point("threads", Contestant::Control, 5.0),
        ];
        assert_eq!(
            described(&points),
            "smol, 1 thread: 200, from 199 to 201. The control, threads: 5.00, from 4.00 to 6.00."
        );
    }

    #[test]
    fn samples_have_at_most_five_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.000_123_456, "0.00012346"),
            (1.0, "1"),
            (12.3456789, "12.346"),
            (12_345.6, "12346"),
            (1_234_567.0, "1234567"),
            (100.0, "100"),
        ] {
            assert_eq!(digits(value), text);
        }
    }
}
