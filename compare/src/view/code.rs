//! Formats a lesson's source files for the terminal, side by side or one below the other.

use anstyle::{AnsiColor, Style};

use crate::align::{self, Row};
use crate::highlight::{self, Kind, Piece};

/// A source and its title.
pub struct Source<'a> {
    pub title: &'a str,
    pub text: &'a str,
}

/// Formats sources for a terminal of this width, with or without colours.
///
/// # Errors
/// Fails if a source cannot be highlighted.
pub fn code(sources: &[Source<'_>], width: usize, colours: bool) -> anyhow::Result<String> {
    let lines: Vec<Vec<&str>> =
        sources.iter().map(|source| source.text.lines().collect()).collect();
    let slices: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    let rows = align::rows(&slices);
    let mut cells = styled(sources, &lines, &rows)?;
    if !colours {
        cells.iter_mut().flatten().flatten().flatten().for_each(|c| c.style = Style::new());
    }
    let titles: Vec<_> = sources.iter().map(|source| source.title).collect();
    Ok(if width < NARROWEST * sources.len() {
        one_below_the_other(&titles, &rows, &cells, &slices, width)
    } else {
        side_by_side(&titles, &cells, width)
    })
}

/// The smallest width of a column. If there is less room, the sources are printed one below the
/// other.
const NARROWEST: usize = 40;
const GAP: &str = "  ";

/// A character and its style.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Styled {
    c: char,
    style: Style,
}

/// A line of a source, or `None` if this source has no line in this row.
type Cell = Option<Vec<Styled>>;

/// Returns the styled cells of all rows. The parts that are the same in all columns are dimmed, and
/// the others are coloured.
fn styled(
    sources: &[Source<'_>],
    lines: &[Vec<&str>],
    rows: &[Row],
) -> anyhow::Result<Vec<Vec<Cell>>> {
    let pieces = sources.iter().map(|source| highlight::rust(source.text));
    let pieces: Vec<Vec<Vec<Piece>>> = pieces.collect::<Result<_, _>>()?;
    let row = |row: &Row| {
        let same = align::same_in_row(row, lines);
        let cell = |(source, line): (usize, &Option<usize>)| {
            let (line, text) = ((*line)?, lines[source][(*line)?]);
            let mut cell = Vec::new();
            for piece in &pieces[source][line] {
                for (at, c) in text[piece.bytes.clone()].char_indices() {
                    let at = piece.bytes.start + at;
                    let is_same = same[source].iter().any(|range| range.contains(&at));
                    cell.push(Styled { c, style: style(piece.kind, is_same) });
                }
            }
            Some(cell)
        };
        row.iter().enumerate().map(cell).collect()
    };
    Ok(rows.iter().map(row).collect())
}

fn style(kind: Kind, is_same: bool) -> Style {
    let style = match kind {
        Kind::Comment => AnsiColor::Green.on_default(),
        Kind::Keyword => AnsiColor::Magenta.on_default(),
        Kind::Text | Kind::Number => AnsiColor::Yellow.on_default(),
        Kind::Function => AnsiColor::Blue.on_default(),
        Kind::Type => AnsiColor::Cyan.on_default(),
        Kind::Other => Style::new(),
    };
    if is_same { Style::new().dimmed() } else { style }
}

fn side_by_side(titles: &[&str], rows: &[Vec<Cell>], width: usize) -> String {
    let column = (width + GAP.len()) / titles.len() - GAP.len();
    let plain = |text: String| {
        Some(text.chars().map(|c| Styled { c, style: Style::new() }).collect::<Vec<_>>())
    };
    let head = titles.iter().map(|title| plain(title.to_string())).collect();
    let rule = titles.iter().map(|_| plain("-".repeat(column))).collect();
    [head, rule].iter().chain(rows).map(|row| row_of_columns(row, column)).collect()
}

/// Formats one row. Each cell is wrapped at the column's width, so a row can take several lines.
fn row_of_columns(row: &[Cell], width: usize) -> String {
    let cells: Vec<_> =
        row.iter().map(|cell| wrapped(cell.as_deref().unwrap_or_default(), width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for line in 0..height {
        let mut styled = Vec::new();
        for (place, cell) in cells.iter().enumerate() {
            let space = Styled { c: ' ', style: Style::new() };
            styled.resize(place * (width + GAP.len()), space);
            styled.extend(cell.get(line).into_iter().flatten());
        }
        text += &painted(&styled);
        text.push('\n');
    }
    text
}

/// Formats the steps one after the other. Within a step, the sources are printed one below the
/// other.
fn one_below_the_other(
    titles: &[&str],
    rows: &[Row],
    cells: &[Vec<Cell>],
    lines: &[&[&str]],
    width: usize,
) -> String {
    let begins_step = |row: &Row| {
        let line = |(source, line): (usize, &Option<usize>)| line.map(|line| lines[source][line]);
        let mut texts = row.iter().enumerate().filter_map(line);
        texts.any(|text| text.trim_start().starts_with("// step:"))
    };
    let starts = (0..rows.len()).filter(|row| *row > 0 && begins_step(&rows[*row]));
    let starts: Vec<usize> = std::iter::once(0).chain(starts).chain([rows.len()]).collect();
    let mut text = String::new();
    for step in starts.windows(2) {
        for (column, title) in titles.iter().enumerate() {
            text += &format!("==== {title} ====\n");
            for line in cells[step[0]..step[1]].iter().filter_map(|row| row[column].as_deref()) {
                for line in wrapped(line, width) {
                    text += &painted(&line);
                    text.push('\n');
                }
            }
        }
        text.push('\n');
    }
    text
}

/// Wraps a line at the width. Breaks the line after a space if the second half of the line contains
/// one, and otherwise at the full width. Continuation lines are indented by two more spaces.
fn wrapped(line: &[Styled], width: usize) -> Vec<Vec<Styled>> {
    let own_indent = line.iter().take_while(|styled| styled.c == ' ').count();
    let indent = (own_indent + 2).min(width / 2);
    let split = |line: &[Styled], width: usize| {
        if line.len() <= width {
            return line.len();
        }
        let space = line[..=width].iter().rposition(|styled| styled.c == ' ');
        space.filter(|at| 2 * at > width).map_or(width, |at| at + 1).min(width)
    };
    let (first, mut rest) = line.split_at(split(line, width));
    let mut lines = vec![first.to_vec()];
    while !rest.is_empty() {
        let (part, after) = rest.split_at(split(rest, width - indent));
        let space = Styled { c: ' ', style: Style::new() };
        lines.push([vec![space; indent], part.to_vec()].concat());
        rest = after;
    }
    lines
}

/// Returns the text of a line with the escape sequences for its styles, and without trailing
/// spaces.
fn painted(line: &[Styled]) -> String {
    let length = line.iter().rposition(|styled| styled.c != ' ').map_or(0, |last| last + 1);
    let mut text = String::new();
    for run in line[..length].chunk_by(|a, b| a.style == b.style) {
        let run_text: String = run.iter().map(|styled| styled.c).collect();
        let style = run[0].style;
        text += &format!("{style}{run_text}{style:#}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<Styled> {
        text.chars().map(|c| Styled { c, style: Style::new() }).collect()
    }

    fn texts(lines: Vec<Vec<Styled>>) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(|styled| styled.c).collect()).collect()
    }

    #[test]
    fn a_long_line_wraps_and_is_indented() {
        let wrapped = |text, width| texts(wrapped(&plain(text), width));
        assert_eq!(wrapped("short", 10), ["short"]);
        assert_eq!(wrapped("", 10), [""]);
        assert_eq!(wrapped("  0123456789ab", 10), ["  01234567", "    89ab"]);
        assert_eq!(wrapped("0123456789abcdefghij", 10), ["0123456789", "  abcdefgh", "  ij"]);
        assert_eq!(wrapped("12345 789 bcd", 10), ["12345 789 ", "  bcd"]);
        assert_eq!(wrapped("12 45678901", 10), ["12 4567890", "  1"]);
    }

    const LEFT: Source<'static> = Source { title: "left", text: "// step: a\nlet x = left(1);\n" };
    const RIGHT: Source<'static> =
        Source { title: "right", text: "// step: a\nlet x = right(1);\n// step: b\nend();\n" };

    #[test]
    fn sources_are_printed_side_by_side_or_one_below_the_other() {
        let wide = code(&[LEFT, RIGHT], 100, false).unwrap();
        let lines: Vec<_> = wide.lines().collect();
        assert_eq!(lines[0], format!("left{:47}right", ""));
        assert_eq!(lines[3], format!("let x = left(1);{:35}let x = right(1);", ""));
        assert_eq!(lines[5], format!("{:51}end();", ""));
        let narrow = code(&[LEFT, RIGHT], 79, false).unwrap();
        assert_eq!(
            narrow,
            "==== left ====\n// step: a\nlet x = left(1);\n\
             ==== right ====\n// step: a\nlet x = right(1);\n\n\
             ==== left ====\n==== right ====\n// step: b\nend();\n\n"
        );
    }

    #[test]
    fn common_parts_are_dimmed_and_differing_parts_are_coloured() {
        let text = code(&[LEFT, RIGHT], 100, true).unwrap();
        let line = text.lines().find(|line| line.contains("left") && line.contains("let")).unwrap();
        let (dimmed, blue) = (Style::new().dimmed(), AnsiColor::Blue.on_default());
        assert!(line.contains(&format!("{dimmed}let{dimmed:#}")), "{line:?}");
        assert!(line.contains(&format!("{blue}left{blue:#}")), "{line:?}");
        assert!(line.contains(&format!("{blue}right{blue:#}")), "{line:?}");
        // A single source has nothing in common with another one, so nothing is dimmed.
        let alone = code(&[LEFT], 100, true).unwrap();
        assert!(!alone.contains(&dimmed.to_string()), "{alone:?}");
    }
}
