//! Draws a timeline of the tasks of a run.

use maud::{Markup, html};

use crate::child::Run;
use crate::timeline::{self, Recorded};

/// The width of the drawing, the width of a letter, and the height of a row, in units of the
/// drawing.
const WIDTH: f64 = 480.0;
const LETTER: f64 = 7.0;
const ROW: f64 = 18.0;
/// The height of the scale under the rows.
const SCALE: f64 = 20.0;

/// Draws each run that gave an answer.
pub fn of(runs: &[&Run]) -> Markup {
    html! {
        div.timelines {
            @for run in runs {
                @if let Some(report) = run.outcome.report() {
                    figure {
                        (drawing(run.runtime.name(), &report.spans, report.wall_ms))
                        figcaption {
                            (run.runtime.name()) ": when each task ran, in ms" (cut(&report.spans))
                        }
                    }
                }
            }
        }
    }
}

/// Returns a note if there are more tasks than rows.
fn cut(spans: &[Recorded]) -> String {
    match spans.len().saturating_sub(timeline::ROWS) {
        0 => String::new(),
        1 => "; one more task is not shown".into(),
        more => format!("; {more} more tasks are not shown"),
    }
}

fn drawing(runtime: &str, spans: &[Recorded], total_ms: f64) -> Markup {
    let shown = &spans[..spans.len().min(timeline::ROWS)];
    let bottom = shown.len() as f64 * ROW;
    let letters = shown.iter().map(|span| timeline::label(&span.name).chars().count()).max();
    let names = (letters.unwrap_or(0) as f64 * LETTER + 12.0).max(40.0);
    let place = |ms: f64| names + (ms / total_ms).clamp(0.0, 1.0) * (WIDTH - names - 1.0);
    let bar = |span: &Recorded| {
        let (from, to) = (place(span.start_ms), place(span.end_ms.unwrap_or(total_ms)));
        // Make even a very short span visible.
        (from, (to - from).max(1.5))
    };
    html! {
        svg class={ "timeline " (runtime) } viewBox={ "0 0 " (WIDTH) " " (bottom + SCALE) } role="img"
            aria-label=(label(runtime, spans, total_ms)) {
            @for (row, span) in shown.iter().enumerate() {
                @let top = row as f64 * ROW;
                @let (left, width) = bar(span);
                text x="0" y=(top + 13.0) { (timeline::label(&span.name)) }
                rect x=(format!("{left:.1}")) y=(top + 3.0) width=(format!("{width:.1}")) height="12" {}
            }
            line x1=(names) y1=(bottom + 2.0) x2=(WIDTH - 1.0) y2=(bottom + 2.0) {}
            text x=(names) y=(bottom + 16.0) { "0" }
            text.end x=(WIDTH - 1.0) y=(bottom + 16.0) { (format!("{total_ms:.0}")) }
        }
    }
}

/// Describes a timeline in words, for readers who cannot see it.
fn label(runtime: &str, spans: &[Recorded], total_ms: f64) -> String {
    let one = |span: &Recorded| {
        let end = span.end_ms.map_or("the end".into(), |end| format!("{end:.0}"));
        format!("{} from {:.0} to {end}", timeline::label(&span.name), span.start_ms)
    };
    let all: Vec<_> = spans.iter().take(timeline::ROWS).map(one).collect();
    let (all, cut) = (all.join("; "), cut(spans));
    format!("Timeline on {runtime}, {total_ms:.0} ms in all: {all}{cut}.")
}
