//! Sources that keep the same `// step:` comments, lined up, and what is the same in all of them. Pure:
//! text in, rows out. It serves the terminal and the page alike.

use std::ops::Range;

/// One row: the number of a line in each source, from 0, or nothing where a source has no line here.
pub type Row = Vec<Option<usize>>;

/// Lines sources up. Each step begins on the same row in all of them; what comes before the first is a
/// step, too. Within a step, lines that are the same in all sources stand on the same row.
pub fn rows(sources: &[&[&str]]) -> Vec<Row> {
    let steps: Vec<_> = sources.iter().map(|lines| steps(lines)).collect();
    let most_steps = steps.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = Vec::new();
    for step in 0..most_steps {
        let ranges: Vec<_> = steps.iter().map(|ranges| ranges.get(step)).collect();
        // Where a source has fewer steps, there is nothing that could be the same.
        let lines = |source: usize| {
            let range = ranges[source].cloned().unwrap_or_default();
            (range.start, &sources[source][range])
        };
        let parts: Vec<_> = (0..sources.len()).map(lines).collect();
        add_step(&mut rows, &parts);
    }
    rows
}

/// Adds the rows of one step, of which each source has these lines from this number on.
fn add_step(rows: &mut Vec<Row>, parts: &[(usize, &[&str])]) {
    let trimmed: Vec<Vec<&str>> =
        parts.iter().map(|(_, lines)| lines.iter().map(|line| line.trim()).collect()).collect();
    let trimmed: Vec<&[&str]> = trimmed.iter().map(Vec::as_slice).collect();
    let mut anchors = common(&trimmed);
    // An empty line is the same everywhere, and no reason to push others about.
    anchors.retain(|anchor| !trimmed[0][anchor[0]].is_empty());
    anchors.push(parts.iter().map(|(_, lines)| lines.len()).collect());
    let mut done = vec![0; parts.len()];
    for anchor in anchors {
        let left = |source: usize| anchor[source] - done[source];
        for row in 0..(0..parts.len()).map(left).max().unwrap_or(0) {
            let line =
                |source: usize| (row < left(source)).then(|| parts[source].0 + done[source] + row);
            rows.push((0..parts.len()).map(line).collect());
        }
        if (0..parts.len()).all(|source| anchor[source] < parts[source].1.len()) {
            rows.push(parts.iter().zip(&anchor).map(|((start, _), at)| Some(start + at)).collect());
        }
        done = anchor.iter().map(|at| at + 1).collect();
    }
}

/// Which lines belong to each step; a step begins with its comment.
fn steps(lines: &[&str]) -> Vec<Range<usize>> {
    let is_start = |line: &&str| line.trim_start().starts_with("// step:");
    let starts: Vec<_> = (0..lines.len()).filter(|number| is_start(&lines[*number])).collect();
    let from = std::iter::once(0).chain(starts.iter().copied());
    let to = starts.iter().copied().chain([lines.len()]);
    from.zip(to).map(|(from, to)| from..to).collect()
}

/// What is the same in all columns of a row, of sources with these lines: for each, the ranges of bytes.
/// With a gap in it, nothing is.
pub fn same_in_row(row: &Row, lines: &[Vec<&str>]) -> Vec<Vec<Range<usize>>> {
    let texts: Option<Vec<&str>> =
        row.iter().enumerate().map(|(source, line)| Some(lines[source][(*line)?])).collect();
    texts.map_or_else(|| vec![Vec::new(); row.len()], |texts| same(&texts))
}

/// What is the same in all lines of a row: for each line, the ranges of its bytes. Nothing is where the
/// lines have little in common, or where there is only one.
pub fn same(lines: &[&str]) -> Vec<Vec<Range<usize>>> {
    let nothing = vec![Vec::new(); lines.len()];
    if lines.len() < 2 {
        return nothing;
    }
    let tokens: Vec<Vec<Range<usize>>> = lines.iter().map(|line| tokens(line)).collect();
    let words: Vec<Vec<&str>> = tokens
        .iter()
        .zip(lines)
        .map(|(tokens, line)| tokens.iter().map(|token| &line[token.clone()]).collect())
        .collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    let common = common(&words);
    let bytes: usize = common.iter().map(|places| tokens[0][places[0]].len()).sum();
    let longest = lines.iter().map(|line| line.trim().len()).max().unwrap_or(0);
    if 2 * bytes < longest {
        return nothing;
    }
    let ranges =
        |line: usize| common.iter().map(|places| tokens[line][places[line]].clone()).collect();
    (0..lines.len()).map(ranges).collect()
}

/// The words and signs of a line, without the space between them.
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

/// The longest common subsequence of all sequences: the place of each of its items in each of them.
///
/// The textbook's table with a dimension for each sequence; so for a few short ones.
fn common<T: PartialEq>(sequences: &[&[T]]) -> Vec<Vec<usize>> {
    let sizes: Vec<usize> = sequences.iter().map(|sequence| sequence.len() + 1).collect();
    if sequences.is_empty() || sizes.contains(&1) {
        return Vec::new();
    }
    // One step in a dimension is so far in the table.
    let stride = |dimension: usize| sizes[dimension + 1..].iter().product::<usize>();
    let strides: Vec<usize> = (0..sizes.len()).map(stride).collect();
    let is_same = |places: &[usize]| {
        let first = sequences[0].get(places[0]);
        let all =
            sequences.iter().zip(places).all(|(sequence, place)| sequence.get(*place) == first);
        first.is_some() && all
    };
    let cell = |places: &[usize]| places.iter().zip(&strides).map(|(p, s)| p * s).sum::<usize>();
    let diagonal: usize = strides.iter().sum();
    let places_of = |cell: usize| -> Vec<usize> {
        strides.iter().zip(&sizes).map(|(stride, size)| cell / stride % size).collect()
    };
    // How long it is from there on; filled from the end.
    let mut longest = vec![0_u16; sizes.iter().product()];
    for here in (0..longest.len()).rev() {
        let places = places_of(here);
        longest[here] = if is_same(&places) {
            longest[here + diagonal] + 1
        } else {
            let step = |d: usize| (places[d] + 1 < sizes[d]).then(|| longest[here + strides[d]]);
            (0..sizes.len()).filter_map(step).max().unwrap_or(0)
        };
    }
    let mut places = vec![0; sizes.len()];
    let mut found = Vec::new();
    while longest[cell(&places)] > 0 {
        if is_same(&places) {
            found.push(places.clone());
            places.iter_mut().for_each(|place| *place += 1);
        } else {
            let here = cell(&places);
            let on = (0..sizes.len()).find(|d| {
                places[*d] + 1 < sizes[*d] && longest[here + strides[*d]] == longest[here]
            });
            places[on.expect("the length comes from somewhere")] += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows as text, for reading.
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

    /// What is the same, as text.
    fn said_by_all<'a>(lines: &[&'a str]) -> Vec<&'a str> {
        same(lines)[0].iter().map(|range| &lines[0][range.clone()]).collect()
    }

    #[test]
    fn tokens_that_all_lines_share_are_found() {
        let lines =
            ["    tokio::spawn(work(a));", "    task::spawn(work(a));", "smol::spawn(work(a));"];
        let all = [":", ":", "spawn", "(", "work", "(", "a", ")", ")", ";"];
        assert_eq!(said_by_all(&lines), all);
        assert_eq!(same(&lines)[2][0], 4..5);
        assert_eq!(said_by_all(&["same();", "  same();"]), ["same", "(", ")", ";"]);
        // A few signs are no likeness, and one line is not like any other.
        assert_eq!(said_by_all(&["alpha(beta);", "gamma.delta();"]), Vec::<&str>::new());
        assert_eq!(said_by_all(&["same();"]), Vec::<&str>::new());
    }

    #[test]
    fn the_longest_common_subsequence_is_found() {
        let text = |t: &'static str| t.as_bytes();
        let found = common(&[text("xaybzc"), text("abqc"), text("1a2b3c4")]);
        assert_eq!(found, [[1, 0, 1], [3, 1, 3], [5, 3, 5]]);
        assert!(common(&[text("abc"), text("")]).is_empty());
        assert!(common::<u8>(&[]).is_empty());
    }
}
