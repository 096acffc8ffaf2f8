//! Questions whose answers can differ between the runtimes. We answer each question by running
//! code.
//!
//! There is one file for each question. The file contains an experiment for each runtime: a few
//! lines that do the same thing on every runtime, and return the answer. Each experiment runs in a
//! separate process. Most experiments run twice, once in the root future and once in a spawned
//! task, because the answers can differ. `expected.rs` contains the answers that we expect, and the
//! reasons for them. The experiments do not use that file.

mod asking;
mod doubles;
pub mod expected;

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::catalog::{self, Runtime, Unknown};
use crate::child::{self, End};
pub use asking::From;
use expected::Expected;

/// A short time, for sleeps whose exact length does not matter.
pub const A_MOMENT: Duration = Duration::from_millis(20);
/// If something has not happened after this time, we conclude that it never will. The time is about
/// fifteen times as long as a wake-up on a busy machine. An experiment waits this long only if the
/// answer is that nothing happens.
pub const LONG: Duration = Duration::from_millis(300);

/// A question, and the experiment for each runtime.
pub struct Behaviour {
    pub name: &'static str,
    /// The path of the experiment, relative to the folder of this crate.
    pub source: &'static str,
    /// The contents of that file.
    text: &'static str,
    /// Where the experiment runs: in the root future, and usually in a task as well. An experiment
    /// about the end of the root future can run only in the root future.
    pub asked_from: &'static [From],
    /// The experiment for each runtime, or `None` if the runtime was left out of this build.
    experiments: [Option<Experiment>; 3],
}

/// Runs the experiment on one runtime, either in the root future or in a task.
pub type Experiment = fn(From) -> Seen;

impl Behaviour {
    /// Returns the experiment for a runtime.
    pub fn experiment(&self, runtime: Runtime) -> Option<Experiment> {
        self.experiments[runtime as usize]
    }

    /// Returns the question: the first lines of the file.
    pub fn question(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("//! "));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// Returns the answers that we expect.
    pub fn expected(&self) -> &'static Expected {
        expected::EXPECTED
            .iter()
            .chain([&doubles::EXPECTED])
            .find(|expected| expected.name == self.name)
            .expect("every behaviour has an expectation: a test checks that")
    }
}

/// The result of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The answer in words. Runtimes that behave in the same way give the same answer, word for
    /// word.
    pub answer: String,
    /// A detail that can differ from run to run, such as a duration or the message of a panic.
    pub detail: Option<String>,
}

impl<T: Into<String>> std::convert::From<T> for Seen {
    fn from(answer: T) -> Self {
        Self { answer: answer.into(), detail: None }
    }
}

impl Seen {
    /// Adds a detail to the answer.
    fn with(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            None => f.write_str(&self.answer),
            Some(detail) => write!(f, "{} ({detail})", self.answer),
        }
    }
}

/// Expands to the experiment for one runtime, or to `None` if a feature that it needs is turned
/// off.
macro_rules! column {
    ($experiment:expr, $($feature:literal)*) => {{
        #[cfg(all($(feature = $feature,)* not(test)))]
        let column: Option<Experiment> = Some($experiment);
        #[cfg(not(all($(feature = $feature,)* not(test))))]
        let column: Option<Experiment> = None;
        column
    }};
}

/// Lists the experiments. Each line contains the name, the file and the word `twice` or `once`. If
/// the experiment needs a certain feature on every runtime, the feature comes last. `twice` means
/// that the experiment is an async function, which runs in the root future and in a task. `once`
/// means that it is a plain function, which starts the runtime itself.
macro_rules! behaviours {
    (@from twice) => { &[From::Root, From::Task] };
    (@from once) => { &[From::Root] };
    (@ask twice $runtime:ident $file:ident $column:ident) => { |from| from.$runtime(Box::pin($file::$column())) };
    (@ask once $runtime:ident $file:ident $column:ident) => { |_| $file::$column() };
    ($($name:literal $file:ident $times:ident $($also:literal)?;)*) => {
        $(
            #[cfg(all($(feature = $also,)? not(test)))]
            mod $file;
        )*

        /// All questions, in the order of the output.
        pub static BEHAVIOURS: &[Behaviour] = &[$(Behaviour {
            name: $name,
            source: concat!("src/behaviours/", stringify!($file), ".rs"),
            text: include_str!(concat!(stringify!($file), ".rs")),
            asked_from: behaviours!(@from $times),
            experiments: [
                column!(behaviours!(@ask $times tokio $file on_tokio), "tokio" $($also)?),
                column!(behaviours!(@ask $times async_std $file on_async_std), "async-std" $($also)?),
                column!(behaviours!(@ask $times smol $file on_smol), "smol" $($also)?),
            ],
        }),*];
    };
}

behaviours! {
    "dropped-handle" dropped_handle twice;
    "panic-awaited" panic_awaited twice;
    "panic-detached" panic_detached twice;
    "pending-at-exit" pending_at_exit once;
    "drop-while-blocking" drop_while_blocking once;
    "cancelled-task" cancelled_task twice;
    "worker-threads" worker_threads twice;
    "blocked-worker" blocked_worker twice;
    "spawned-before-await" spawned_before_await twice;
    "short-sleeps" short_sleeps twice;
    "mutex-order" mutex_order twice;
    "futurelock" futurelock twice;
    "timeout-without-yield" timeout_without_yield twice;
    "timeout-always-ready" timeout_always_ready twice;
    "fairness" fairness twice;
    "blocking-pool" blocking_pool twice;
    "nested-block-on" nested_block_on twice;
    "dropped-file" dropped_file twice;
    "failed-write" failed_write twice;
    "tokio-sleep-elsewhere" tokio_sleep_elsewhere twice "tokio";
    "tokio-tcp-elsewhere" tokio_tcp_elsewhere twice "tokio";
    "tokio-tcp-entered" tokio_tcp_entered twice "tokio";
    "tokio-by-compat" tokio_by_compat twice "compat";
    "tokio-by-handle" tokio_by_handle twice "tokio";
    "smol-elsewhere" smol_elsewhere twice "smol";
}

/// Finds a question by name, including `doubles`, which is not in the list.
///
/// # Errors
/// Returns [`Unknown`] if no question has this name.
pub fn find(name: &str) -> Result<&'static Behaviour, Unknown> {
    let mut all = BEHAVIOURS.iter().chain([&doubles::DOUBLES]);
    all.find(|behaviour| behaviour.name == name).ok_or_else(|| {
        let known: Vec<_> = BEHAVIOURS.iter().map(|behaviour| behaviour.name).collect();
        Unknown::new("behaviour", name, &known)
    })
}

/// The `kind` of a file that contains observations.
pub const KIND: &str = "compare behaviours 2";

/// One runtime's answer to a question, either from the root future or from a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Observation {
    pub behaviour: String,
    pub runtime: Runtime,
    pub asked_from: From,
    /// The answer, or `None` if the runtime was left out of this build.
    pub seen: Option<Seen>,
    pub expected: String,
    pub is_as_expected: bool,
}

/// The answer from an experiment that needs more cores than the machine has.
pub const NOT_ENOUGH_CORES: &str = "cannot be seen on one core";
/// The answer from an experiment that needs another operating system.
pub const NOT_HERE: &str = "cannot be tried on this system";

/// Compares an answer with the expected answer.
pub fn judge(
    behaviour: &str,
    runtime: Runtime,
    asked_from: From,
    seen: Option<Seen>,
    expected: &Expected,
) -> Observation {
    let expected = expected.answer(runtime, asked_from);
    // An experiment that was not built or could not be tried has no answer, so nothing about it is
    // unexpected.
    let answer = seen.as_ref().map_or(NOT_HERE, |seen| seen.answer.as_str());
    let is_as_expected = [expected, NOT_ENOUGH_CORES, NOT_HERE].contains(&answer);
    let (behaviour, expected) = (behaviour.into(), expected.into());
    Observation { behaviour, runtime, asked_from, seen, expected, is_as_expected }
}

/// Runs an experiment in a separate process.
///
/// # Errors
/// Fails if the process cannot be started, if it is interrupted, or if its output is not an answer.
/// Anything else that happens in the process, such as a panic, is returned as an observation.
pub fn observe(
    behaviour: &'static Behaviour,
    runtime: Runtime,
    asked_from: From,
) -> anyhow::Result<Observation> {
    let judge = |seen| judge(behaviour.name, runtime, asked_from, seen, behaviour.expected());
    if behaviour.experiment(runtime).is_none() {
        return Ok(judge(None));
    }
    let asked_from = asked_from.to_string();
    let arguments = ["experiment", behaviour.name, runtime.name(), &asked_from];
    let seen = match child::execute(&arguments, &[], String::new(), TIMEOUT, child::OFTEN)?.end {
        End::Answer(seen) => serde_json::from_str(&seen)?,
        End::Panic(message) => Seen::from("the program panics").with(message),
        End::Failed(message) => Seen::from("the program fails").with(message),
        End::Killed => "the program hangs".into(),
    };
    Ok(judge(Some(seen)))
}

/// Runs experiments on all runtimes, one at a time, so that they do not disturb each other.
///
/// Calls `each` once for each behaviour, with the observations of that behaviour, sorted by runtime
/// and then by `asked_from`.
///
/// # Errors
/// Fails if [`observe`] or `each` fails.
pub fn observe_all(
    behaviours: &[&'static Behaviour],
    mut each: impl FnMut(&Behaviour, &[Observation]) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Observation>> {
    let mut all = Vec::new();
    for behaviour in behaviours {
        let mut row = Vec::new();
        for runtime in Runtime::ALL {
            for asked_from in behaviour.asked_from {
                row.push(observe(behaviour, runtime, *asked_from)?);
            }
        }
        each(behaviour, &row)?;
        all.extend(row);
    }
    Ok(all)
}

/// Formats a runtime's answers in one or two lines. The answer from a task is shown only if it
/// differs from the answer from the root future, or if we expect it to differ.
pub fn lines(observations: &[&Observation]) -> Vec<String> {
    let line = |observation: &Observation| {
        let seen = observation.seen.as_ref().map_or("not built".into(), ToString::to_string);
        match observation.is_as_expected {
            true => seen,
            false => format!("{seen} -- EXPECTED: {}", observation.expected),
        }
    };
    let answer = |observation: &Observation| observation.seen.as_ref().map(|s| s.answer.clone());
    match observations {
        [root, task] if answer(root) != answer(task) || root.expected != task.expected => {
            vec![line(root), format!("in a task: {}", line(task))]
        }
        [first, ..] => vec![line(first)],
        [] => Vec::new(),
    }
}

/// The timeout for an experiment. An experiment that does not hang takes only a fraction of this
/// time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs an experiment in this process, which is a child of the process that asks the question, and
/// prints the answer.
///
/// # Errors
/// Fails if this build has no such experiment, or if the answer cannot be printed.
pub fn experiment_here(name: &str, runtime: &str, asked_from: &str) -> anyhow::Result<ExitCode> {
    let runtime = catalog::find_runtime(runtime)?;
    let behaviour = find(name)?;
    let from = behaviour.asked_from.iter().find(|from| from.to_string() == asked_from);
    let from = from.with_context(|| {
        let places: Vec<_> = behaviour.asked_from.iter().map(ToString::to_string).collect();
        format!("`{name}` cannot run from `{asked_from}`: expected {}", places.join(" or "))
    })?;
    let experiment = behaviour.experiment(runtime).with_context(|| {
        format!("this build does not contain `{name}` for {}: turn its features on", runtime.name())
    })?;
    let seen = experiment(*from);
    writeln!(io::stdout(), "{}", serde_json::to_string(&seen)?)?;
    Ok(ExitCode::SUCCESS)
}

/// A flag that an experiment sets when something has happened.
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

/// Sets the flag when it is dropped.
struct SetOnDrop(Flag);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The lines that an experiment has recorded so far, in order.
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

/// Awaits a future. If the future panics, returns the panic's message as an error.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    let poll =
        |cx: &mut Context<'_>| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
                Poll::Ready(Err(said.unwrap_or("no message").into()))
            }
        };
    poll_fn(poll).await
}

/// Awaits a future, and returns whether it works or panics.
async fn attempt(future: impl Future<Output = ()>) -> Seen {
    match caught(future).await {
        Ok(()) => "it works".into(),
        Err(message) => Seen::from("it panics").with(message),
    }
}

/// Polls a lock future once, and asserts that it has to wait. After that, the future is in the
/// lock's queue.
fn poll_once(waits: Pin<&mut impl Future>) {
    assert!(waits.poll(&mut Context::from_waker(Waker::noop())).is_pending());
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
            let judge = |expected| {
                judge("dropped-handle", runtime, From::Root, Some(seen.clone()), expected)
            };
            assert!(judge(right).is_as_expected);
            assert!(!judge(&swapped).is_as_expected);
        }
    }
}
