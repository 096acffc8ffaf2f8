//! Draws a metric of a workload as a plot. For each contestant, the plot shows the median, the
//! median's interval, and the spread of the samples. A dashed line marks the control's median.

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::bench::Contestant;
use crate::bench::stats::Interval;
use crate::view::bench::number;

/// The values to draw for one contestant.
pub struct Point {
    pub title: String,
    pub contestant: Contestant,
    pub interval: Interval,
    /// The range of the middle four fifths of the samples.
    pub spread: (f64, f64),
}

/// Sizes in units of the drawing. A phone shows the drawing at three quarters of its size.
const WIDTH: u32 = 480;
const LETTER: f64 = 8.6;
const VALUES: u32 = 70;
const TOP: u32 = 4;
const ROW: u32 = 26;
const SCALE: u32 = 26;
const FONT: (&str, u32) = ("sans-serif", 18);

/// The page's style replaces these colours in the dark scheme.
const INK: RGBColor = RGBColor(0x1b, 0x1f, 0x24);
const GRID: RGBColor = RGBColor(0xd8, 0xde, 0xe4);

fn colour(contestant: Contestant) -> RGBColor {
    match contestant {
        Contestant::Tokio => RGBColor(0x0b, 0x5c, 0xad),
        Contestant::AsyncStd => RGBColor(0xb5, 0x48, 0x0f),
        Contestant::Smol => RGBColor(0x2b, 0x7a, 0x0b),
        Contestant::Control => RGBColor(0x6e, 0x77, 0x81),
    }
}

/// Draws a plot of the points. There must be at least one point. `label` describes the plot for
/// readers who cannot see it.
///
/// # Errors
/// Fails if plotters cannot draw the points.
pub fn plot(points: &[Point], label: &str) -> anyhow::Result<Markup> {
    let height = TOP + ROW * points.len() as u32 + SCALE;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let (low, high) = (lowest(points), highest(points));
        if is_logarithmic(points) {
            // The range goes from one power of ten to another, so that the scale can label both
            // ends.
            let power = |value: f64| 10_f64.powf(value);
            let range = power(low.log10().floor())..power(high.log10().ceil());
            draw(&area, range.log_scale(), points)?;
        } else {
            draw(&area, 0.0..if high > 0.0 { high * 1.05 } else { 1.0 }, points)?;
        }
        area.present()?;
    }
    // Remove plotters' `svg` element, because the page supplies one that sets the width.
    let body = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
    let body = body.map_or("", |(body, _)| body);
    Ok(html! {
        svg.plot viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(label) {
            (PreEscaped(body))
        }
    })
}

/// Returns whether the values are too far apart for a scale that begins at zero.
pub fn is_logarithmic(points: &[Point]) -> bool {
    lowest(points) > 0.0 && highest(points) > 20.0 * lowest(points)
}

fn lowest(points: &[Point]) -> f64 {
    points.iter().map(|point| point.interval.low.min(point.spread.0)).fold(f64::INFINITY, f64::min)
}

fn highest(points: &[Point]) -> f64 {
    points.iter().map(|point| point.interval.high.max(point.spread.1)).fold(0.0, f64::max)
}

fn draw<X>(area: &DrawingArea<SVGBackend<'_>, Shift>, x: X, points: &[Point]) -> anyhow::Result<()>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
{
    let count = points.len() as f64;
    let letters = points.iter().map(|point| point.title.chars().count()).max().unwrap_or(0);
    let names = (letters as f64 * LETTER) as u32 + 14;
    let mut chart = ChartBuilder::on(area)
        .margin_top(TOP)
        .margin_left(names)
        .margin_right(VALUES)
        .x_label_area_size(SCALE)
        .build_cartesian_2d(x, 0.0..count)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(4)
        .x_max_light_lines(0)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(FONT.into_font().color(&INK))
        .x_label_formatter(&|value| short(*value))
        .draw()?;
    if let Some(control) = points.iter().find(|p| p.contestant == Contestant::Control) {
        let at = control.interval.value;
        let line = vec![(at, 0.0), (at, count)];
        chart.draw_series([DashedPathElement::new(line, 5, 4, colour(Contestant::Control))])?;
    }
    let text = TextStyle::from(FONT.into_font()).color(&INK);
    for (row, point) in points.iter().enumerate() {
        let (y, Interval { low, value, high }) = (count - row as f64 - 0.5, point.interval);
        let colour = colour(point.contestant);
        for (line, width) in [(point.spread, 1), ((low, high), 5)] {
            let line = vec![(line.0, y), (line.1, y)];
            chart.draw_series([PathElement::new(line, colour.stroke_width(width))])?;
        }
        chart.draw_series([Circle::new((value, y), 5, colour.filled())])?;
        let middle = (TOP + ROW * row as u32 + ROW / 2) as i32;
        let text_at = |x: u32, side| (x as i32, middle, text.pos(Pos::new(side, VPos::Center)));
        let (x, y, style) = text_at(names - 10, HPos::Right);
        area.draw(&Text::new(point.title.as_str(), (x, y), style))?;
        let (x, y, style) = text_at(WIDTH - VALUES + 8, HPos::Left);
        area.draw(&Text::new(number(value), (x, y), style))?;
    }
    Ok(())
}

/// Formats a number on the scale.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        large if large >= 1e6 => (value / 1e6, " M"),
        middle if middle >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    // Round off floating-point errors.
    format!("{}{unit}", (value * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(contestant: Contestant, low: f64, value: f64, high: f64) -> Point {
        let interval = Interval { low, value, high };
        Point { title: contestant.name().into(), contestant, interval, spread: (low, high) }
    }

    #[test]
    fn each_contestant_is_drawn_with_its_name_value_and_interval() {
        let points = [
            point(Contestant::Tokio, 90.0, 100.0, 110.0),
            point(Contestant::Smol, 40.0, 50.0, 60.0),
            point(Contestant::Control, 10.0, 10.0, 10.0),
        ];
        let svg = plot(&points, "it <says>").unwrap().into_string();
        for words in ["\ntokio\n", "\nsmol\n", "\ncontrol\n", "\n100\n", "\n50.0\n"] {
            assert!(svg.contains(words), "no {words:?} in\n{svg}");
        }
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("aria-label=\"it &lt;says&gt;\""), "{svg}");
        assert!(!svg.contains("xmlns"), "{svg}");
        // The scale goes from 0 to 115.5 over about 320 units, so an interval of 20 is about 55
        // units wide.
        let width = |line: &str| {
            let points = line.split("points=\"").nth(1).unwrap();
            let x: Vec<f64> =
                points.split(' ').filter_map(|pair| pair.split_once(',')?.0.parse().ok()).collect();
            x[1] - x[0]
        };
        let thick = |line: &&str| line.contains("stroke-width=\"5\"") && line.contains("#0B5CAD");
        let line = svg.lines().find(thick);
        assert!((54.0..=60.0).contains(&width(line.unwrap())), "{svg}");
    }

    #[test]
    fn values_that_are_far_apart_have_a_logarithmic_scale() {
        let narrow =
            [point(Contestant::Tokio, 5.0, 5.0, 5.0), point(Contestant::Smol, 6.0, 7.0, 99.0)];
        assert!(!is_logarithmic(&narrow));
        let wide =
            [point(Contestant::Tokio, 4.0, 5.0, 5.0), point(Contestant::Smol, 6.0, 7.0, 99.0)];
        assert!(is_logarithmic(&wide));
        // The scale goes from one power of ten, 1, to another, 100.
        let svg = plot(&wide, "").unwrap().into_string();
        assert!(svg.contains("\n1\n") && svg.contains("\n100\n"), "{svg}");
        // Zero has no logarithm.
        assert!(!is_logarithmic(&[point(Contestant::Tokio, 0.0, 0.0, 900.0)]));
        assert!(plot(&[point(Contestant::Tokio, 0.0, 0.0, 0.0)], "").is_ok());
    }

    #[test]
    fn the_scale_has_short_numbers() {
        for (value, text) in
            [(0.0, "0"), (0.1, "0.1"), (500.0, "500"), (1_500.0, "1.5 k"), (2e6, "2 M")]
        {
            assert_eq!(short(value), text);
        }
    }
}
