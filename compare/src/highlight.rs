//! Syntax highlighting for Rust: splits source code into pieces, and determines the kind of each
//! piece.
//!
//! The functions in this module are pure: they turn text into lines of pieces. The views choose the
//! colours.

use std::ops::Range;
use std::sync::LazyLock;

use tree_sitter_highlight::{Error, HighlightConfiguration, HighlightEvent, Highlighter};

/// The kind of a piece of source code. The views choose a colour for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Comment,
    Keyword,
    Text,
    Number,
    Function,
    Type,
    Other,
}

/// A part of a line: its range of bytes, and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub bytes: Range<usize>,
    pub kind: Kind,
}

/// The names that the grammar's query gives to parts of the source code, and our kind for each. A
/// name also covers the longer names that begin with it, such as `comment.documentation`.
const NAMES: [(&str, Kind); 8] = [
    ("comment", Kind::Comment),
    ("keyword", Kind::Keyword),
    ("string", Kind::Text),
    ("escape", Kind::Text),
    ("constant.builtin", Kind::Number),
    ("function", Kind::Function),
    ("type", Kind::Type),
    ("constructor", Kind::Type),
];

/// The grammar's compiled query. We compile it only once, because compiling it takes longer than
/// highlighting a source file.
static CONFIGURATION: LazyLock<Option<HighlightConfiguration>> = LazyLock::new(|| {
    let language = tree_sitter_rust::LANGUAGE.into();
    let query = tree_sitter_rust::HIGHLIGHTS_QUERY;
    let mut configuration = HighlightConfiguration::new(language, "rust", query, "", "").ok()?;
    configuration.configure(&NAMES.map(|(name, _)| name));
    Some(configuration)
});

/// Splits each line of Rust source code into pieces. Together, the pieces make up the whole source,
/// except for the line ends.
///
/// # Errors
/// Fails if the grammar's query cannot be compiled, or if highlighting fails.
pub fn rust(source: &str) -> Result<Vec<Vec<Piece>>, Error> {
    let configuration = CONFIGURATION.as_ref().ok_or(Error::Unknown)?;
    let mut lines = vec![Vec::new(); source.lines().count()];
    let starts = line_starts(source);
    let mut kinds = Vec::new();
    let mut highlighter = Highlighter::new();
    for event in highlighter.highlight(configuration, source.as_bytes(), None, None, |_| None)? {
        match event? {
            HighlightEvent::HighlightStart(name) => kinds.push(NAMES[name.0].1),
            HighlightEvent::HighlightEnd => drop(kinds.pop()),
            HighlightEvent::Source { start, end } => {
                let kind = kinds.last().copied().unwrap_or(Kind::Other);
                add(&mut lines, &starts, source, start..end, kind);
            }
        }
    }
    Ok(lines)
}

/// Returns the offset at which each line begins.
fn line_starts(source: &str) -> Vec<usize> {
    let after_ends = source.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after_ends).collect()
}

/// Adds a part of the source to the lines that it covers.
fn add(lines: &mut [Vec<Piece>], starts: &[usize], source: &str, part: Range<usize>, kind: Kind) {
    let mut at = part.start;
    for text in source[part].split_inclusive('\n') {
        let line = starts.partition_point(|start| *start <= at) - 1;
        let from = at - starts[line];
        let to = from + text.trim_end_matches(['\n', '\r']).len();
        if to > from {
            lines[line].push(Piece { bytes: from..to, kind });
        }
        at += text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_source_gets_its_kind() {
        let source = "// a comment\nlet x: Vec<u8> = f(\"text\", 5);\n";
        let lines = rust(source).unwrap();
        let parts: Vec<_> = lines
            .iter()
            .zip(source.lines())
            .flat_map(|(pieces, line)| pieces.iter().map(|p| (&line[p.bytes.clone()], p.kind)))
            .collect();
        for part in [
            ("// a comment", Kind::Comment),
            ("let", Kind::Keyword),
            ("Vec", Kind::Type),
            ("u8", Kind::Type),
            ("f", Kind::Function),
            ("\"text\"", Kind::Text),
            ("5", Kind::Number),
        ] {
            assert!(parts.contains(&part), "no {part:?} in {parts:?}");
        }
    }

    #[test]
    fn the_pieces_add_up_to_the_source() {
        let source = include_str!("highlight.rs");
        let lines = rust(source).unwrap();
        assert_eq!(lines.len(), source.lines().count());
        for (pieces, line) in lines.iter().zip(source.lines()) {
            let text: String = pieces.iter().map(|piece| &line[piece.bytes.clone()]).collect();
            assert_eq!(text, line);
        }
    }
}
