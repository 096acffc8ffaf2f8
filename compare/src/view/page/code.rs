//! Shows a lesson's three source files in columns, with syntax highlighting.

use std::ops::Range;

use maud::{Markup, html};

use crate::align::{self, Row};
use crate::catalog::{Lesson, Runtime};
use crate::highlight::{self, Kind, Piece};

/// Shows the sources side by side. A narrow page shows only the source that the reader has chosen.
///
/// # Errors
/// Fails if a source cannot be highlighted.
pub fn of(lesson: &Lesson) -> anyhow::Result<Markup> {
    let sources = Runtime::ALL.map(|runtime| lesson.column(runtime).source);
    let lines: Vec<Vec<&str>> = sources.iter().map(|source| source.lines().collect()).collect();
    let slices: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    let pieces = sources.map(highlight::rust);
    let pieces: Vec<Vec<Vec<Piece>>> = pieces.into_iter().collect::<Result<_, _>>()?;
    let rows = align::rows(&slices);
    Ok(html! {
        div.code {
            fieldset {
                legend { "Source of " (lesson.name) " on" }
                @for (place, runtime) in Runtime::ALL.iter().enumerate() {
                    @let id = format!("code-{}-{}", lesson.name, runtime.name());
                    label for=(id) {
                        input id=(id) type="radio" name={ "code-" (lesson.name) } value=(place + 1)
                            checked[place == 0];
                        " " (runtime.name())
                    }
                }
            }
            table {
                caption { "The source files of " (lesson.name) }
                thead { tr { (super::runtime_heads()) } }
                tbody { @for row in &rows { (line(row, &lines, &pieces)) } }
            }
        }
    })
}

/// Formats one row of lines.
fn line(row: &Row, lines: &[Vec<&str>], pieces: &[Vec<Vec<Piece>>]) -> Markup {
    let same = align::same_in_row(row, lines);
    let cells = row.iter().enumerate().map(|(source, line)| {
        let number = (*line)?;
        Some((lines[source][number], &pieces[source][number], &same[source]))
    });
    let cells: Vec<_> = cells.collect();
    let is_step =
        cells.iter().flatten().any(|(text, ..)| text.trim_start().starts_with("// step:"));
    html! {
        tr.step[is_step] {
            @for cell in cells {
                // Leave the cell completely empty, without even a space, so that a narrow page can
                // hide it.
                @match cell {
                    None => td {},
                    Some((text, pieces, same)) => td { code { (coloured(text, pieces, same)) } },
                }
            }
        }
    }
}

/// Highlights a line. The parts that are the same in all columns are dimmed instead.
fn coloured(text: &str, pieces: &[Piece], same: &[Range<usize>]) -> Markup {
    let mut runs: Vec<(&str, Range<usize>)> = Vec::new();
    for piece in pieces {
        for (at, c) in text[piece.bytes.clone()].char_indices() {
            let start = piece.bytes.start + at;
            let end = start + c.len_utf8();
            let is_same = same.iter().any(|range| range.contains(&start));
            let class = match runs.last() {
                // A space has no colour, so it joins the run before it.
                Some((last, _)) if c == ' ' => last,
                _ if is_same => "same",
                _ => class(piece.kind),
            };
            match runs.last_mut() {
                Some((last, range)) if *last == class => range.end = end,
                _ => runs.push((class, start..end)),
            }
        }
    }
    html! {
        @for (class, range) in runs {
            @if class.is_empty() { (text[range]) } @else { span class=(class) { (text[range]) } }
        }
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Comment => "c",
        Kind::Keyword => "k",
        Kind::Text | Kind::Number => "s",
        Kind::Function => "f",
        Kind::Type => "t",
        Kind::Other => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_code_is_escaped_and_coloured_where_it_differs() {
        let text = "let a: Vec<u8> = b(\"<&>\");";
        let pieces = &highlight::rust(text).unwrap()[0];
        let markup = coloured(text, pieces, &[0..3, 4..5]).into_string();
        assert!(markup.starts_with("<span class=\"same\">let a</span>"), "{markup}");
        assert!(markup.contains("<span class=\"t\">Vec</span>&lt;"), "{markup}");
        assert!(markup.contains("<span class=\"s\">&quot;&lt;&amp;&gt;&quot;</span>"), "{markup}");
    }
}
