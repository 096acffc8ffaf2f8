//! Questions to which the runtimes give different answers, each put to them by running it.
//!
//! A question is a file. In it stand the same few lines for each runtime, which say what they have
//! seen. Each is run in a process of its own. What is expected, and why, is in `expected.rs`: the
//! experiments know nothing of it.

mod doubles;
pub mod expected;

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, Runtime, Unknown};
use crate::child::{self, End};
use expected::Expected;

/// Long enough for what can happen to happen, on a machine that is not overloaded.
pub const A_MOMENT: Duration = Duration::from_millis(20);
/// Long enough to tell it from a moment.
pub const LONGER: Duration = Duration::from_millis(100);

/// A question, and the experiment for each runtime.
pub struct Behaviour {
    pub name: &'static str,
    /// Where the experiment is, in the folder of this crate.
    pub source: &'static str,
    /// The text of that file.
    text: &'static str,
    /// `None` where the runtime was left out of this build.
    experiments: [Option<fn() -> Seen>; 3],
}

impl Behaviour {
    /// The experiment on a runtime.
    pub fn experiment(&self, runtime: Runtime) -> Option<fn() -> Seen> {
        self.experiments[runtime as usize]
    }

    /// What is done: the first lines of the file.
    pub fn question(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("//! "));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// What should be seen.
    pub fn expected(&self) -> &'static Expected {
        expected::EXPECTED
            .iter()
            .chain([&doubles::EXPECTED])
            .find(|expected| expected.name == self.name)
            .expect("a test sees to it that each has one")
    }
}

/// What an experiment has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// In words, such that the same behaviour has the same words.
    pub answer: String,
    /// A figure that may differ from run to run.
    pub detail: Option<String>,
}

impl<T: Into<String>> From<T> for Seen {
    fn from(answer: T) -> Self {
        Self { answer: answer.into(), detail: None }
    }
}

impl Seen {
    /// The same, with a figure.
    fn with(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

/// A column of an experiment, where its features are on.
macro_rules! column {
    ($function:path, $($feature:literal)*) => {{
        #[cfg(all($(feature = $feature,)* not(test)))]
        let column: Option<fn() -> Seen> = Some($function);
        #[cfg(not(all($(feature = $feature,)* not(test))))]
        let column: Option<fn() -> Seen> = None;
        column
    }};
}

/// The experiments: the name of each, its file, and the feature that all its columns need.
macro_rules! behaviours {
    ($($name:literal $file:ident $($also:literal)?;)*) => {
        $(
            #[cfg(all($(feature = $also,)? not(test)))]
            mod $file;
        )*

        /// All of them, in the order of the table.
        pub static BEHAVIOURS: &[Behaviour] = &[$(Behaviour {
            name: $name,
            source: concat!("src/behaviours/", stringify!($file), ".rs"),
            text: include_str!(concat!(stringify!($file), ".rs")),
            experiments: [
                column!($file::on_tokio, "tokio" $($also)?),
                column!($file::on_async_std, "async-std" $($also)?),
                column!($file::on_smol, "smol" $($also)?),
            ],
        }),*];
    };
}

behaviours! {
    "dropped-handle" dropped_handle;
    "panic-awaited" panic_awaited;
    "panic-detached" panic_detached;
    "pending-at-exit" pending_at_exit;
    "drop-while-blocking" drop_while_blocking;
    "cancelled-task" cancelled_task;
    "worker-threads" worker_threads;
    "blocked-worker" blocked_worker;
    "spawned-before-await" spawned_before_await;
    "short-sleeps" short_sleeps;
    "mutex-order" mutex_order;
    "time-out-without-yield" time_out_without_yield;
    "fairness" fairness;
    "blocking-pool" blocking_pool;
    "nested-block-on" nested_block_on;
    "dropped-file" dropped_file;
    "tokio-sleep-elsewhere" tokio_sleep_elsewhere "tokio";
    "tokio-tcp-elsewhere" tokio_tcp_elsewhere "tokio";
    "tokio-tcp-entered" tokio_tcp_entered "tokio";
    "tokio-by-compat" tokio_by_compat "compat";
    "tokio-by-handle" tokio_by_handle "tokio";
    "smol-elsewhere" smol_elsewhere "smol";
}

/// Finds a question, or the doubles, by name.
pub fn find(name: &str) -> Result<&'static Behaviour, Unknown> {
    let mut all = BEHAVIOURS.iter().chain([&doubles::DOUBLES]);
    all.find(|behaviour| behaviour.name == name).ok_or_else(|| {
        let known: Vec<_> = BEHAVIOURS.iter().map(|behaviour| behaviour.name).collect();
        Unknown::new("behaviour", name, &known)
    })
}

/// What is in the field `kind` of a file of observations.
pub const KIND: &str = "compare behaviours 1";

/// What was seen of one behaviour on one runtime.
#[derive(Debug, Serialize, Deserialize)]
pub struct Observation {
    pub behaviour: String,
    pub runtime: Runtime,
    /// `None` where it was left out of this build.
    pub seen: Option<Seen>,
    pub expected: String,
    pub is_as_expected: bool,
}

/// The answer of an experiment that wants more cores than there are.
pub const NOT_TO_BE_TOLD: &str = "not to be told on one core";

/// Holds what was seen against what is expected.
pub fn judge(
    behaviour: &str,
    runtime: Runtime,
    seen: Option<Seen>,
    expected: &Expected,
) -> Observation {
    let expected = expected.answers[runtime as usize];
    // What was not built, or could not be tried, has shown nothing that one could complain of.
    let answer = seen.as_ref().map_or(NOT_TO_BE_TOLD, |seen| seen.answer.as_str());
    let is_as_expected = answer == expected || answer == NOT_TO_BE_TOLD;
    let (behaviour, expected) = (behaviour.into(), expected.into());
    Observation { behaviour, runtime, seen, expected, is_as_expected }
}

/// Runs an experiment in a process of its own.
///
/// # Errors
/// Where the process cannot be started; whatever happens in it is an observation.
pub fn observe(behaviour: &'static Behaviour, runtime: Runtime) -> anyhow::Result<Observation> {
    let judge = |seen| judge(behaviour.name, runtime, seen, behaviour.expected());
    if behaviour.experiment(runtime).is_none() {
        return Ok(judge(None));
    }
    let arguments = ["experiment", behaviour.name, runtime.name()];
    let seen = match child::execute(&arguments, &[], String::new(), TIME_OUT, child::OFTEN)?.end {
        End::Answer(seen) => serde_json::from_str(&seen)?,
        End::Panic(message) => Seen::from("the program panics").with(message),
        End::Failed(message) => Seen::from("the program fails").with(message),
        End::Killed => "it hangs".into(),
    };
    Ok(judge(Some(seen)))
}

/// Runs experiments on all runtimes, one at a time, so that none disturbs another; hands on what was seen
/// of each.
///
/// # Errors
/// As [`observe`], and whatever `each` says.
pub fn observe_all(
    behaviours: &[&'static Behaviour],
    mut each: impl FnMut(&Behaviour, &[Observation]) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Observation>> {
    let mut all = Vec::new();
    for behaviour in behaviours {
        let row = Runtime::ALL.map(|runtime| observe(behaviour, runtime));
        let row = row.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        each(behaviour, &row)?;
        all.extend(row);
    }
    Ok(all)
}

/// No experiment takes nearly as long.
const TIME_OUT: Duration = Duration::from_secs(30);

/// In the child: runs an experiment here, and prints what it has seen.
///
/// # Errors
/// There is no such experiment in this build.
pub fn experiment_here(name: &str, runtime: &str) -> anyhow::Result<ExitCode> {
    let runtime = catalog::find_runtime(runtime)?;
    let experiment = find(name)?.experiment(runtime);
    let seen = experiment.context("it was left out of this build")?();
    writeln!(io::stdout(), "{}", serde_json::to_string(&seen)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Something that happens, or does not.
#[derive(Clone, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn set(&self) {
        self.0.store(true, SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// Tells that it was dropped.
struct SetOnDrop(Flag);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// What was said, in order.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<&'static str>>>);

impl Lines {
    fn say(&self, line: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.lock().unwrap_or_else(PoisonError::into_inner).join(", "))
    }
}

/// Whether it panics.
fn caught(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

/// Whether something works that may panic.
fn attempt(work: impl FnOnce()) -> Seen {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(()) => "it works".into(),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Seen::from("it panics").with(said.unwrap_or("no message").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_behaviour_has_an_expectation_and_each_expectation_a_behaviour() {
        let names: Vec<_> = BEHAVIOURS.iter().map(|behaviour| behaviour.name).collect();
        let expected: Vec<_> = expected::EXPECTED.iter().map(|expected| expected.name).collect();
        assert_eq!(names, expected);
        for behaviour in BEHAVIOURS {
            assert!(!behaviour.question().is_empty() && !behaviour.expected().why.is_empty());
        }
    }

    #[test]
    fn an_answer_that_belongs_to_another_runtime_is_not_as_expected() {
        let right = find("dropped-handle").unwrap().expected();
        let [tokio, async_std, smol] = right.answers;
        let swapped = Expected { answers: [smol, async_std, tokio], ..*right };
        for runtime in [Runtime::Tokio, Runtime::Smol] {
            let seen = Seen::from(right.answers[runtime as usize]);
            let judge = |expected| judge("dropped-handle", runtime, Some(seen.clone()), expected);
            assert!(judge(right).is_as_expected);
            assert!(!judge(&swapped).is_as_expected);
        }
    }
}
