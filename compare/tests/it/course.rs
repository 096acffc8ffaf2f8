//! Checks that the statements in the READMEs about the workspace are correct.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the members of the workspace, in the order of the course.
fn members() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let list = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    list.split(',')
        .map(|name| name.trim().trim_matches('"').into())
        .filter(|n: &String| !n.is_empty())
        .collect()
}

/// Returns the value of a line `key = "value"` in a manifest.
fn value(manifest: &str, key: &str) -> String {
    let line = manifest.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    line.split('"').nth(1).unwrap().into()
}

/// Returns the `[text](target)` links of a README, except those in code blocks.
fn links(text: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    let prose: String = text.split("```").step_by(2).collect();
    let mut rest = prose.as_str();
    while let Some(middle) = rest.find("](") {
        let from = rest[..middle].rfind('[').unwrap();
        let to = middle + rest[middle..].find(')').unwrap();
        links.push((rest[from + 1..middle].into(), rest[middle + 2..to].into()));
        rest = &rest[to..];
    }
    links
}

fn readmes() -> Vec<PathBuf> {
    let mut readmes = vec![PathBuf::from("README.md")];
    readmes.extend(members().iter().map(|member| Path::new(member).join("README.md")));
    readmes.push("compare/MIGRATING.md".into());
    readmes
}

#[test]
fn the_table_of_lessons_matches_the_workspace() {
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let (name, target) = links(cells.get(2)?).pop()?;
        (target == format!("{name}/README.md")).then(|| (name, cells[3].to_owned()))
    });
    let described = members().into_iter().map(|member| {
        let manifest = read(format!("{member}/Cargo.toml"));
        assert_eq!(
            value(&manifest, "name"),
            member,
            "the folder and the crate should have the same name"
        );
        (member, value(&manifest, "description"))
    });
    assert_eq!(rows.collect::<Vec<_>>(), described.collect::<Vec<_>>());
}

#[test]
fn the_top_level_contains_only_the_members_and_known_files() {
    let mut allowed = members();
    allowed.extend(["Cargo.toml", "Cargo.lock", "README.md", "target"].map(String::from));
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || allowed.contains(&name), "{name}");
    }
}

#[test]
fn every_linked_file_and_every_named_test_exists() {
    for readme in readmes() {
        for (text, target) in links(&read(&readme)) {
            if target.starts_with("https://") {
                continue;
            }
            let path = readme.parent().unwrap().join(target.split('#').next().unwrap());
            assert!(root().join(&path).exists(), "{}: {target}", readme.display());
            // A link whose text is in backticks, and whose target is a Rust file, names a test.
            let name = text.trim_matches('`');
            if text.starts_with('`') && path.extension().is_some_and(|end| end == "rs") {
                let source = read(&path);
                let test = ["(", "<"].iter().any(|end| source.contains(&format!("fn {name}{end}")));
                assert!(test, "{}: no {name} in {target}", readme.display());
            }
        }
    }
}

#[test]
fn the_six_lessons_after_hello_use_the_same_tokio_features() {
    let tokio = |member: &String| {
        let manifest = read(format!("{member}/Cargo.toml"));
        let dependencies = manifest.split_once("[dependencies]").unwrap().1;
        let dependencies = dependencies.split("[dev-dependencies]").next().unwrap();
        dependencies.lines().find(|line| line.starts_with("tokio = ")).unwrap().to_owned()
    };
    let lines: Vec<_> = members()[1..7].iter().map(tokio).collect();
    assert!(lines.iter().all(|line| *line == lines[0]), "{lines:#?}");
}

/// Small helpers that several lessons need are copied, because no lesson depends on another.
#[test]
fn copies_of_a_file_are_identical() {
    for file in [
        "timeline.rs",
        "pipe.rs",
        "printable.rs",
        "duration.rs",
        "url.rs",
        "runtime.rs",
        "signals.rs",
        "size.rs",
        "usage.rs",
        "get.rs",
        "retry_after.rs",
        "client.rs",
    ] {
        let lessons = members();
        let copies = lessons[..7].iter().map(|member| format!("{member}/src/{file}"));
        let copies: Vec<_> = copies.filter(|path| root().join(path).exists()).collect();
        assert!(copies.len() > 1, "{file} has no copies: {copies:?}");
        for copy in &copies {
            assert!(read(copy) == read(&copies[0]), "{copy} differs from {}", copies[0]);
        }
    }
}

/// Returns the Rust snippets in a README.
fn snippets(text: &str) -> Vec<&str> {
    let starts = text.split("```rust\n").skip(1);
    starts.map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Returns whether the source contains these lines, possibly with more indentation.
fn contains_lines(source: &str, snippet: &str) -> bool {
    (0..6).any(|level| {
        let indented = snippet.lines().map(|line| match line {
            "" => "\n".into(),
            line => format!("{:1$}{line}\n", "", 4 * level),
        });
        source.contains(&indented.collect::<String>())
    })
}

#[test]
fn rust_snippets_in_the_readmes_of_lessons_are_compiled() {
    for member in &members()[..7] {
        let readme = read(format!("{member}/README.md"));
        let folders = ["src", "tests/it"].map(|folder| root().join(member).join(folder));
        let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
        let sources: Vec<_> = files.map(read).collect();
        for snippet in snippets(&readme) {
            let is_compiled = sources.iter().any(|source| contains_lines(source, snippet));
            assert!(
                is_compiled,
                "{member}: no file contains this snippet from the README:\n{snippet}"
            );
        }
    }
}
