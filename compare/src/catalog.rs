//! The list of all lessons. For each lesson and runtime, the list contains the source text and the
//! entry point.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::lessons;
use crate::serve::{Scene, Stage};

/// A runtime that the lessons are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    Tokio,
    AsyncStd,
    Smol,
}

impl Runtime {
    /// All runtimes, in the order of the columns.
    pub const ALL: [Self; 3] = [Self::Tokio, Self::AsyncStd, Self::Smol];

    /// Returns the name used on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
        }
    }
}

/// A lesson, as written for one runtime.
#[derive(Debug)]
pub struct Column {
    /// The whole source file.
    pub source: &'static str,
    /// The entry point, which takes the input and returns the answer as JSON, or `None` if the
    /// runtime was left out of this build.
    pub start: Option<fn(Value) -> serde_json::Result<Value>>,
}

/// The number of lines in a source file, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Lines that contain code.
    pub code: usize,
    /// Lines that contain only a comment.
    pub comments: usize,
    pub blank: usize,
}

impl Lines {
    /// Counts the lines of a source file of this crate. These files contain only `//` comments.
    pub fn of(source: &str) -> Self {
        let mut lines = Self { code: 0, comments: 0, blank: 0 };
        for line in source.lines().map(str::trim) {
            *match line {
                "" => &mut lines.blank,
                line if line.starts_with("//") => &mut lines.comments,
                _ => &mut lines.code,
            } += 1;
        }
        lines
    }
}

/// A lesson: its contract, and the three columns that implement the contract.
#[derive(Debug)]
pub struct Lesson {
    pub name: &'static str,
    /// The text of the source file that contains the contract.
    contract: &'static str,
    /// Returns the input for a column as JSON. The input can contain the addresses of the stage's
    /// servers and the path of the scene's folder.
    pub input: fn(&Stage, &Scene) -> serde_json::Result<Value>,
    /// Returns the one correct answer to an input.
    pub expected: fn(Value) -> serde_json::Result<Value>,
    columns: [Column; 3],
}

impl Lesson {
    /// Returns a description of the lesson: the first lines of its contract, without the name.
    pub fn about(&self) -> String {
        let lines = self.contract.lines().map_while(|line| line.strip_prefix("//! "));
        let text = lines.collect::<Vec<_>>().join(" ");
        let about = text.split_once(": ").map_or(text.as_str(), |(_, about)| about);
        let mut letters = about.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect())
            .unwrap_or_default()
    }

    /// Returns the lesson as written for a runtime.
    pub fn column(&self, runtime: Runtime) -> &Column {
        &self.columns[runtime as usize]
    }
}

/// The error for an unknown name on the command line.
#[derive(Debug, Error)]
#[error("unknown {what} `{name}`: choose from {known}")]
pub struct Unknown {
    what: &'static str,
    name: String,
    known: String,
}

impl Unknown {
    /// Creates the error for an unknown `what`, such as a lesson. `known` lists the valid names.
    pub fn new(what: &'static str, name: &str, known: &[&str]) -> Self {
        Self { what, name: name.into(), known: known.join(", ") }
    }
}

/// Finds a lesson by name, including `doubles`, which is not in the list.
///
/// # Errors
/// Returns [`Unknown`] if no lesson has this name.
pub fn find(name: &str) -> Result<&'static Lesson, Unknown> {
    LESSONS
        .iter()
        .chain([&DOUBLES])
        .find(|lesson| lesson.name == name)
        .ok_or_else(|| Unknown::new("lesson", name, &LESSONS.each_ref().map(|lesson| lesson.name)))
}

/// Finds lessons by name. Without names, returns all seven.
///
/// # Errors
/// Returns [`Unknown`] for the first name that no lesson has.
pub fn find_all(names: &[String]) -> Result<Vec<&'static Lesson>, Unknown> {
    if names.is_empty() {
        return Ok(LESSONS.iter().collect());
    }
    names.iter().map(|name| find(name)).collect()
}

/// Finds a runtime by name.
///
/// # Errors
/// Returns [`Unknown`] if no runtime has this name.
pub fn find_runtime(name: &str) -> Result<Runtime, Unknown> {
    let found = Runtime::ALL.into_iter().find(|runtime| runtime.name() == name);
    found.ok_or_else(|| Unknown::new("runtime", name, &Runtime::ALL.map(Runtime::name)))
}

/// Expands to a column: its source text, and its entry point if the feature is turned on.
macro_rules! column {
    ($lesson:ident, $file:ident, $feature:literal) => {
        Column {
            source: include_str!(concat!(
                "lessons/",
                stringify!($lesson),
                "/",
                stringify!($file),
                ".rs"
            )),
            #[cfg(all(feature = $feature, not(test)))]
            start: Some(|input| {
                serde_json::to_value(lessons::$lesson::$file::start(serde_json::from_value(input)?))
            }),
            #[cfg(not(all(feature = $feature, not(test))))]
            start: None,
        }
    };
}

/// Expands to a lesson. The types in the contracts differ from lesson to lesson, so we convert the
/// inputs and answers to JSON.
macro_rules! lesson {
    ($name:literal, $lesson:ident) => {
        Lesson {
            name: $name,
            contract: include_str!(concat!("lessons/", stringify!($lesson), "/mod.rs")),
            input: |stage, scene| serde_json::to_value(lessons::$lesson::input(stage, scene)),
            expected: |input| {
                serde_json::to_value(lessons::$lesson::expected(&serde_json::from_value(input)?))
            },
            columns: [
                column!($lesson, on_tokio, "tokio"),
                column!($lesson, on_async_std, "async-std"),
                column!($lesson, on_smol, "smol"),
            ],
        }
    };
}

/// The seven lessons, in the order of the course.
static LESSONS: [Lesson; 7] = [
    lesson!("hello", hello),
    lesson!("fetch", fetch),
    lesson!("errors", errors),
    lesson!("guards", guards),
    lesson!("downloads", downloads),
    lesson!("rate-limiter", rate_limiter),
    lesson!("worker-pool", worker_pool),
];

/// Three columns that break their contract in different ways. Tests use them to check that the
/// table reports such columns. They run only if you name this lesson.
static DOUBLES: Lesson = {
    use lessons::doubles;
    const SOURCE: &str = include_str!("lessons/doubles.rs");
    Lesson {
        name: "doubles",
        contract: SOURCE,
        input: |_, _| Ok(Value::Null),
        expected: |_| Ok(doubles::EXPECTED.into()),
        columns: [
            Column { source: SOURCE, start: Some(|_| Ok(doubles::answers_wrongly().into())) },
            Column { source: SOURCE, start: Some(|_| Ok(doubles::panics().into())) },
            Column { source: SOURCE, start: Some(|_| Ok(doubles::hangs().into())) },
        ],
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of the steps in a source file, in order.
    fn steps(source: &str) -> Vec<&str> {
        source.lines().filter_map(|line| line.trim_start().strip_prefix("// step: ")).collect()
    }

    #[test]
    fn each_lesson_has_a_description() {
        let about = find("guards").unwrap().about();
        assert_eq!(about, "A database is closed, no matter how the code that uses it ends.");
        assert!(LESSONS.iter().all(|lesson| lesson.about().ends_with('.')));
    }

    #[test]
    fn the_three_source_files_of_a_lesson_have_the_same_steps_in_the_same_order() {
        for lesson in &LESSONS {
            let [tokio, async_std, smol] =
                Runtime::ALL.map(|runtime| steps(lesson.column(runtime).source));
            assert!(tokio.len() >= 3, "{}: {tokio:?}", lesson.name);
            assert_eq!(tokio, async_std, "{}", lesson.name);
            assert_eq!(tokio, smol, "{}", lesson.name);
        }
    }

    #[test]
    fn a_column_uses_only_its_own_runtime() {
        for lesson in &LESSONS {
            for runtime in Runtime::ALL {
                let source = lesson.column(runtime).source;
                let others: &[&str] = match runtime {
                    Runtime::Tokio => &["async_std", "smol", "surf"],
                    Runtime::AsyncStd => &["tokio", "smol", "reqwest"],
                    Runtime::Smol => &["tokio", "async_std", "reqwest", "surf"],
                };
                for other in others {
                    assert!(
                        !source.contains(&format!("{other}::")),
                        "{} on {} uses {other}",
                        lesson.name,
                        runtime.name()
                    );
                }
            }
        }
    }

    #[test]
    fn code_comments_and_blank_lines_are_counted_separately() {
        let source = "//! What it is.\n\nfn f() {\n    // why\n    g(); // so\n}\n";
        assert_eq!(Lines::of(source), Lines { code: 3, comments: 2, blank: 1 });
        for lesson in &LESSONS {
            for runtime in Runtime::ALL {
                let source = lesson.column(runtime).source;
                assert!(!source.contains("/*"), "{} on {}", lesson.name, runtime.name());
            }
        }
    }

    #[test]
    fn the_error_for_an_unknown_name_lists_the_known_names() {
        let error = find("helo").unwrap_err().to_string();
        assert!(error.contains("helo") && error.contains("hello, fetch"), "{error}");
        assert!(find_runtime("monoio").is_err());
    }
}
