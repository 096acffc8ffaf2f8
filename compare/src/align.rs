//! Aligns source files that have the same `// step:` comments, and finds the parts that they have
//! in common.
//!
//! The functions in this module are pure: they turn text into rows. The terminal output and the
//! HTML page both use them.
//!
//! Each source is cut into steps at its `// step:` comments, and the lines before the first comment
//! are a step as well. A step begins on the same row in all sources. Within a step, the lines that
//! are the same in all sources are *anchors*: all sources show them on the same row. Between two
//! anchors, the lines of each source start right below the first anchor, and a source with fewer
//! lines has empty rows below its lines.
//!
//! For example, here is a step of two sources, with numbered lines:
//!
//! ```text
//! 0  // step: one      0  // step: one
//! 1  a                 1  x
//! 2  same              2  y
//! 3  b                 3    same
//! ```
//!
//! Its anchors are the lines (0, 0) and (2, 3), because spaces around a line do not count. So the
//! step has these rows:
//!
//! ```text
//! 0  // step: one      0  // step: one      the anchor (0, 0)
//! 1  a                 1  x                 the lines before the anchor (2, 3)
//!                      2  y
//! 2  same              3    same            the anchor (2, 3)
//! 3  b                                      the lines after the last anchor
//! ```
//!
//! The anchors of a step are the longest common subsequence of its lines. The parts that the lines
//! of a row have in common are the longest common subsequence of their tokens. [`common`] finds
//! both.

use std::ops::Range;

/// A row of aligned sources. For each source, it contains the number of a line, counted from 0, or
/// `None` if the source has no line in this row.
pub type Row = Vec<Option<usize>>;

/// Aligns sources, each of which is a slice of lines. The module's documentation describes the
/// algorithm.
pub fn rows(sources: &[&[&str]]) -> Vec<Row> {
    let steps: Vec<Vec<Range<usize>>> = sources.iter().map(|lines| steps(lines)).collect();
    let most_steps = steps.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = Vec::new();
    for number in 0..most_steps {
        // A source with fewer steps has no lines in this step.
        let step_of = |ranges: &Vec<Range<usize>>| ranges.get(number).cloned().unwrap_or_default();
        let step: Vec<Range<usize>> = steps.iter().map(step_of).collect();
        add_step(&mut rows, sources, &step);
    }
    rows
}

/// Returns the range of lines of each step. A step begins with its comment, and the first step
/// contains the lines before the first comment, if there are any.
fn steps(lines: &[&str]) -> Vec<Range<usize>> {
    let is_start = |line: &str| line.trim_start().starts_with("// step:");
    let mut steps = Vec::new();
    let mut start = 0;
    for (number, line) in lines.iter().enumerate() {
        if is_start(line) {
            steps.push(start..number);
            start = number;
        }
    }
    steps.push(start..lines.len());
    steps
}

/// Adds the rows of one step. `step` contains the step's range of lines in each source.
fn add_step(rows: &mut Vec<Row>, sources: &[&[&str]], step: &[Range<usize>]) {
    let mut next: Vec<usize> = step.iter().map(|lines| lines.start).collect();
    for anchor in anchors(sources, step) {
        add_lines(rows, &next, &anchor);
        rows.push(anchor.iter().map(|line| Some(*line)).collect());
        next = anchor.iter().map(|line| line + 1).collect();
    }
    let ends: Vec<usize> = step.iter().map(|lines| lines.end).collect();
    add_lines(rows, &next, &ends);
}

/// Adds the lines of each source from `from` up to, but not including, `to`.
fn add_lines(rows: &mut Vec<Row>, from: &[usize], to: &[usize]) {
    let height = from.iter().zip(to).map(|(from, to)| to - from).max().unwrap_or(0);
    for offset in 0..height {
        let line = |(from, to): (&usize, &usize)| Some(from + offset).filter(|line| line < to);
        rows.push(from.iter().zip(to).map(line).collect());
    }
}

/// Finds the anchors of a step: the lines that are the same in all sources. For each anchor,
/// returns the number of its line in each source.
fn anchors(sources: &[&[&str]], step: &[Range<usize>]) -> Vec<Vec<usize>> {
    let trimmed = |(lines, step): (&&[&str], &Range<usize>)| -> Vec<String> {
        lines[step.clone()].iter().map(|line| line.trim().to_owned()).collect()
    };
    let lines: Vec<Vec<String>> = sources.iter().zip(step).map(trimmed).collect();
    let slices: Vec<&[String]> = lines.iter().map(Vec::as_slice).collect();
    let mut anchors = common(&slices);
    // Empty lines are the same in all sources, but aligning them would only pull other lines apart.
    anchors.retain(|anchor| !lines[0][anchor[0]].is_empty());
    // `common` counts from the start of the step.
    for anchor in &mut anchors {
        for (line, step) in anchor.iter_mut().zip(step) {
            *line += step.start;
        }
    }
    anchors
}

/// Finds the parts that are the same in all columns of a row. `lines` contains the lines of each
/// source. Returns the byte ranges of these parts for each column. If any column has no line in
/// this row, returns no ranges for any column.
pub fn same_in_row(row: &Row, lines: &[Vec<&str>]) -> Vec<Vec<Range<usize>>> {
    let texts: Option<Vec<&str>> =
        row.iter().enumerate().map(|(source, line)| Some(lines[source][(*line)?])).collect();
    texts.map_or_else(|| vec![Vec::new(); row.len()], |texts| same(&texts))
}

/// Finds the tokens that are the same in all lines, and returns their byte ranges for each line.
/// Returns no ranges if there is only one line, or if the lines have little in common.
pub fn same(lines: &[&str]) -> Vec<Vec<Range<usize>>> {
    let nothing = vec![Vec::new(); lines.len()];
    if lines.len() < 2 {
        return nothing;
    }
    let tokens: Vec<Vec<Range<usize>>> = lines.iter().map(|line| tokens(line)).collect();
    let texts: Vec<Vec<&str>> = tokens
        .iter()
        .zip(lines)
        .map(|(tokens, line)| tokens.iter().map(|token| &line[token.clone()]).collect())
        .collect();
    let slices: Vec<&[&str]> = texts.iter().map(Vec::as_slice).collect();
    let common = common(&slices);
    // Nearly any two lines of code share a parenthesis or a semicolon. So we ignore the common
    // tokens unless they make up at least half of the longest line.
    let common_bytes: usize = common.iter().map(|place| tokens[0][place[0]].len()).sum();
    let longest = lines.iter().map(|line| line.trim().len()).max().unwrap_or(0);
    if 2 * common_bytes < longest {
        return nothing;
    }
    let ranges =
        |line: usize| common.iter().map(|place| tokens[line][place[line]].clone()).collect();
    (0..lines.len()).map(ranges).collect()
}

/// Splits a line into tokens: words, and single characters that are not part of a word. Spaces are
/// left out.
fn tokens(line: &str) -> Vec<Range<usize>> {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens: Vec<Range<usize>> = Vec::new();
    let mut in_word = false;
    for (at, c) in line.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        let end = at + c.len_utf8();
        match tokens.last_mut() {
            Some(last) if in_word && is_of_word(c) && last.end == at => last.end = end,
            _ => tokens.push(at..end),
        }
        in_word = is_of_word(c);
    }
    tokens
}

/// Finds the longest common subsequence of all sequences. For each of its items, returns the item's
/// *place*: its position in each sequence.
///
/// This is the textbook algorithm, for any number of sequences. First we build a table, [`Rests`].
/// For every place, it contains the length of the longest common subsequence of the *rests*: the
/// parts of the sequences from that place on. Then we walk through the table from the first items
/// to the end:
///
/// - If the items at a place are all the same, they belong to the result. We step over all of them.
/// - Otherwise we can skip one of them without making the result shorter. We skip that item.
///
/// Here is a trace for the sequences `x a b` and `a y b`. The cell in row `a` and column `y`, for
/// example, is the length for the rests `a b` and `y b`:
///
/// ```text
///         a   y   b  end
///   x     2   1   1   0       (0, 0)  x and a differ. Without x, the length is still 2: skip x.
///   a     2   1   1   0       (1, 0)  a and a are the same: the first result. Step over both.
///   b     1   1   1   0       (2, 1)  b and y differ. Without y, the length is still 1: skip y.
///   end   0   0   0   0       (2, 2)  b and b are the same: the second result. Step over both.
///                             (3, 3)  The length is 0, so this is the end.
/// ```
///
/// Time and memory grow with the product of all lengths, so use this only for a few short
/// sequences.
fn common<T: PartialEq>(sequences: &[&[T]]) -> Vec<Vec<usize>> {
    if sequences.is_empty() {
        return Vec::new();
    }
    let rests = Rests::of(sequences);
    let mut place = vec![0; sequences.len()];
    let mut found = Vec::new();
    while rests.length(&place) > 0 {
        if is_same_item(sequences, &place) {
            found.push(place.clone());
            place.iter_mut().for_each(|position| *position += 1);
        } else {
            let is_not_needed = |sequence: &usize| {
                let mut after = place.clone();
                after[*sequence] += 1;
                rests.length(&after) == rests.length(&place)
            };
            let skipped = (0..sequences.len()).find(is_not_needed);
            place[skipped.expect("one of the items can be skipped")] += 1;
        }
    }
    found
}

/// Returns whether the items at this place are the same in all sequences.
fn is_same_item<T: PartialEq>(sequences: &[&[T]], place: &[usize]) -> bool {
    let mut items = sequences.iter().zip(place).map(|(sequence, position)| sequence.get(*position));
    let first = sequences[0].get(place[0]);
    first.is_some() && items.all(|item| item == first)
}

/// A table that contains, for every place, the length of the longest common subsequence of the
/// rests.
///
/// The table has one dimension for each sequence. It is stored as one vector, in which the position
/// in the last sequence changes fastest. To move one position forward in a sequence, move
/// `strides[sequence]` cells forward in the vector.
struct Rests {
    strides: Vec<usize>,
    lengths: Vec<u16>,
}

impl Rests {
    /// Fills the table.
    fn of<T: PartialEq>(sequences: &[&[T]]) -> Self {
        // The size is one more than the length, because a position can also be the end of a
        // sequence.
        let sizes: Vec<usize> = sequences.iter().map(|sequence| sequence.len() + 1).collect();
        let stride = |sequence: usize| sizes[sequence + 1..].iter().product::<usize>();
        let strides: Vec<usize> = (0..sizes.len()).map(stride).collect();
        let all_forward: usize = strides.iter().sum();
        let mut lengths = vec![0; sizes.iter().product()];
        // Each cell depends only on later cells, so we fill the table from its end.
        for cell in (0..lengths.len()).rev() {
            let place: Vec<usize> =
                strides.iter().zip(&sizes).map(|(stride, size)| cell / stride % size).collect();
            let is_at_an_end =
                place.iter().zip(&sizes).any(|(position, size)| position + 1 == *size);
            lengths[cell] = if is_at_an_end {
                0
            } else if is_same_item(sequences, &place) {
                lengths[cell + all_forward] + 1
            } else {
                strides.iter().map(|stride| lengths[cell + stride]).max().unwrap_or(0)
            };
        }
        Self { strides, lengths }
    }

    /// Returns the length that the table contains for a place.
    fn length(&self, place: &[usize]) -> u16 {
        let cell: usize =
            place.iter().zip(&self.strides).map(|(position, stride)| position * stride).sum();
        self.lengths[cell]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rows as text.
    fn aligned(sources: &[&str]) -> Vec<String> {
        let lines: Vec<Vec<&str>> = sources.iter().map(|source| source.lines().collect()).collect();
        let lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
        let cell = |(source, line): (usize, &Option<usize>)| line.map_or("-", |n| lines[source][n]);
        let row = |row: &Row| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("|");
        rows(&lines).iter().map(row).collect()
    }

    #[test]
    fn each_step_begins_on_the_same_row() {
        let short = "use a;\n\n// step: one\na1\n// step: two\na2";
        let long = "use b;\nuse c;\n\n  // step: one\nb1\nmore\n// step: two\nb2\nmore";
        assert_eq!(
            aligned(&[short, long]),
            [
                "use a;|use b;",
                "|use c;",
                "-|",
                "// step: one|  // step: one",
                "a1|b1",
                "-|more",
                "// step: two|// step: two",
                "a2|b2",
                "-|more",
            ]
        );
    }

    #[test]
    fn lines_that_are_the_same_in_all_sources_share_a_row() {
        let one = "// step: one\na\nsame\nb";
        let two = "// step: one\nx\ny\n  same\nz";
        let three = "// step: one\nsame\nb";
        assert_eq!(
            aligned(&[one, two, three]),
            [
                "// step: one|// step: one|// step: one",
                "a|x|-",
                "-|y|-",
                "same|  same|same",
                "b|z|b"
            ]
        );
    }

    #[test]
    fn no_line_is_lost_if_a_source_has_fewer_steps() {
        let sources = ["// step: one\na", "no step", ""];
        assert_eq!(aligned(&sources), ["-|no step|-", "// step: one|-|-", "a|-|-"]);
        assert_eq!(aligned(&["one\ntwo"]), ["one", "two"]);
    }

    /// Returns the tokens that all lines share, as text.
    fn in_all<'a>(lines: &[&'a str]) -> Vec<&'a str> {
        same(lines)[0].iter().map(|range| &lines[0][range.clone()]).collect()
    }

    #[test]
    fn tokens_that_all_lines_share_are_found() {
        let lines =
            ["    tokio::spawn(work(a));", "    task::spawn(work(a));", "smol::spawn(work(a));"];
        let all = [":", ":", "spawn", "(", "work", "(", "a", ")", ")", ";"];
        assert_eq!(in_all(&lines), all);
        assert_eq!(same(&lines)[2][0], 4..5);
        assert_eq!(in_all(&["same();", "  same();"]), ["same", "(", ")", ";"]);
        // The first two lines share only a few characters. The last call gets a single line, so
        // there is nothing to compare.
        assert_eq!(in_all(&["alpha(beta);", "gamma.delta();"]), Vec::<&str>::new());
        assert_eq!(in_all(&["same();"]), Vec::<&str>::new());
    }

    #[test]
    fn the_longest_common_subsequence_is_found() {
        let text = |t: &'static str| t.as_bytes();
        let found = common(&[text("xaybzc"), text("abqc"), text("1a2b3c4")]);
        assert_eq!(found, [[1, 0, 1], [3, 1, 3], [5, 3, 5]]);
        assert!(common(&[text("abc"), text("")]).is_empty());
        assert!(common::<u8>(&[]).is_empty());
        // This is the example from the documentation of `common`.
        assert_eq!(common(&[text("xab"), text("ayb")]), [[1, 0], [2, 2]]);
    }
}
