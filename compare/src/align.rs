//! Sources that keep the same `// step:` comments, lined up so that each step begins on the same
//! row in all of them. Pure: text in, rows out.

/// One row: a line of each source, or nothing where a source has fewer lines in this step.
pub type Row<'a, const N: usize> = [Option<&'a str>; N];

/// Lines sources up by their steps. What comes before the first step is a step too.
pub fn rows<'a, const N: usize>(sources: &[&'a str; N]) -> Vec<Row<'a, N>> {
    let steps = sources.map(steps);
    let most_steps = steps.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = Vec::new();
    for step in 0..most_steps {
        let lines = |source: usize| steps[source].get(step).map_or(&[][..], Vec::as_slice);
        let height = (0..N).map(|source| lines(source).len()).max().unwrap_or(0);
        for line in 0..height {
            rows.push(std::array::from_fn(|source| lines(source).get(line).copied()));
        }
    }
    rows
}

/// The lines of each step; a step begins with its comment.
fn steps(source: &str) -> Vec<Vec<&str>> {
    let mut steps = vec![Vec::new()];
    for line in source.lines() {
        if line.trim_start().starts_with("// step:") {
            steps.push(Vec::new());
        }
        steps.last_mut().expect("it begins with one").push(line);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn each_step_begins_on_the_same_row() {
        let short = "use a;\n\n// step: one\na1\n// step: two\na2";
        let long = "use b;\nuse c;\n\n  // step: one\nb1\nmore\n// step: two\nb2\nmore";
        assert_eq!(
            rows(&[short, long]),
            [
                [Some("use a;"), Some("use b;")],
                [Some(""), Some("use c;")],
                [None, Some("")],
                [Some("// step: one"), Some("  // step: one")],
                [Some("a1"), Some("b1")],
                [None, Some("more")],
                [Some("// step: two"), Some("// step: two")],
                [Some("a2"), Some("b2")],
                [None, Some("more")],
            ]
        );
    }

    #[test]
    fn no_line_is_lost_where_a_step_is_missing() {
        let rows = rows(&["// step: one\na", "no step", ""]);
        assert_eq!(
            rows,
            [
                [None, Some("no step"), None],
                [Some("// step: one"), None, None],
                [Some("a"), None, None],
            ]
        );
    }
}
