//! Runs a lesson in a separate process. The process receives the input, and returns the answer and
//! figures about the run.
//!
//! A fresh process is not affected by earlier runs. Its peak memory, processor time and threads
//! belong to one lesson on one runtime. The child process runs this program with the hidden command
//! `compare child`.

use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::{self, Lesson, Lines, Runtime};
use crate::interrupt::{self, Interrupted};
use crate::process::Group;
use crate::serve::{Scene, Stage};
use crate::timeline::{self, Recorded};

/// The `kind` of a file that contains runs of lessons.
pub const KIND: &str = "compare lessons 1";

/// One run of a lesson and its outcome.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    pub lesson: String,
    pub runtime: Runtime,
    /// The number of lines in the lesson's source file for this runtime.
    pub lines: Lines,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The largest number of threads seen, or `None` if the system does not report the number. We
    /// count the threads every few milliseconds.
    pub threads: Option<u32>,
}

/// The outcome of a run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The run returned the correct answer.
    Same(Report),
    /// The run returned a wrong answer.
    Wrong { expected: Value, report: Report },
    /// The run panicked with this message.
    Panic { message: String },
    /// The run was killed because it exceeded its timeout.
    Hang { seconds: f64 },
    /// The run ended without an answer in some other way.
    Failed { message: String },
    /// The runtime was left out of this build.
    NotBuilt,
}

impl Outcome {
    /// Returns whether the run was correct. A runtime that was left out counts as correct, because
    /// it gives no wrong answer.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same(_) | Self::NotBuilt)
    }

    /// Returns the answer and the figures, if the run gave an answer.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Same(report) | Self::Wrong { report, .. } => Some(report),
            _ => None,
        }
    }
}

/// The report that a child process prints about its run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub answer: Value,
    /// The time from the start of the runtime until the lesson returned.
    pub wall_ms: f64,
    /// The user and system time of the whole process, if the system reports it.
    pub cpu_ms: Option<f64>,
    /// The peak of the process's resident memory in KiB, if the system reports it.
    pub peak_kib: Option<u64>,
    /// The times at which the lesson's tasks ran.
    pub spans: Vec<Recorded>,
}

/// Runs a lesson in this process, which is the child: reads the input from stdin, and prints the
/// report.
///
/// # Errors
/// Fails if this build has no such lesson or runtime, if the input cannot be read, or if the report
/// cannot be printed.
pub fn run_here(lesson: &str, runtime: &str, file_limit: Option<u64>) -> anyhow::Result<ExitCode> {
    if let Some(bytes) = file_limit {
        limit_files(bytes)?;
    }
    let runtime = catalog::find_runtime(runtime)?;
    let Some(start) = catalog::find(lesson)?.column(runtime).start else {
        bail!("this build does not include {0}: build it with `--features {0}`", runtime.name());
    };
    // The comment on the feature `tls` in Cargo.toml explains why we need a provider. This call
    // fails only if one is already installed.
    #[cfg(feature = "tls")]
    let _ = rustls::crypto::ring::default_provider().install_default();

    let input =
        serde_json::from_reader(io::stdin().lock()).context("cannot read the input from stdin")?;
    let clock = Instant::now();
    let answer = start(input)?;
    let wall_ms = clock.elapsed().as_secs_f64() * 1e3;
    let spans = timeline::take(clock);
    let report = Report { answer, wall_ms, cpu_ms: cpu_ms(), peak_kib: peak_kib(), spans };
    writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Sets the maximum size of each file that this process writes, in bytes. This simulates a full
/// disk, and needs no root privileges.
///
/// A write beyond the limit fails and raises a signal, which would end the process. So we block the
/// signal. We do this before a runtime starts its threads, because new threads inherit the set of
/// blocked signals.
#[cfg(unix)]
fn limit_files(bytes: u64) -> anyhow::Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    use nix::sys::signal::{SigSet, Signal};
    SigSet::from(Signal::SIGXFSZ).thread_block()?;
    setrlimit(Resource::RLIMIT_FSIZE, bytes, bytes)?;
    Ok(())
}

#[cfg(not(unix))]
fn limit_files(_: u64) -> anyhow::Result<()> {
    bail!("--file-limit needs a Unix system")
}

/// Runs a lesson on a runtime in a child process, for at most `timeout`.
///
/// # Errors
/// Returns an error if the process cannot be started or its report cannot be parsed, or
/// [`Interrupted`] if a signal has arrived. Anything else that happens in the process is reported
/// as an [`Outcome`].
pub fn run(
    lesson: &'static Lesson,
    runtime: Runtime,
    stage: &Stage,
    timeout: Duration,
) -> anyhow::Result<Run> {
    let lines = Lines::of(lesson.column(runtime).source);
    if lesson.column(runtime).start.is_none() {
        let outcome = Outcome::NotBuilt;
        return Ok(Run { lesson: lesson.name.into(), runtime, lines, outcome, threads: None });
    }
    let scene = Scene::new().context("cannot create a temporary folder")?;
    let input = (lesson.input)(stage, &scene)?;
    let expected = (lesson.expected)(input.clone())?;

    let ended =
        execute(&["child", lesson.name, runtime.name()], &[], input.to_string(), timeout, OFTEN)?;
    let threads = ended.threads;
    let outcome = match ended.end {
        End::Killed => Outcome::Hang { seconds: timeout.as_secs_f64() },
        End::Answer(answer) => match serde_json::from_str::<Report>(&answer)? {
            report if report.answer == expected => Outcome::Same(report),
            report => Outcome::Wrong { expected, report },
        },
        End::Panic(message) => Outcome::Panic { message },
        End::Failed(message) => Outcome::Failed { message },
    };
    Ok(Run { lesson: lesson.name.into(), runtime, lines, outcome, threads })
}

/// Runs lessons on all runtimes, and calls `each` after each run. The runs take place one at a
/// time, so that they do not disturb each other.
///
/// # Errors
/// Fails if the servers cannot be started, or if [`run`] or `each` fails.
pub fn run_all(
    lessons: &[&'static Lesson],
    timeout: Duration,
    mut each: impl FnMut(&Run) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Run>> {
    let stage = Stage::start().context("cannot start the loopback servers")?;
    let mut runs = Vec::new();
    for lesson in lessons {
        for runtime in Runtime::ALL {
            let run = run(lesson, runtime, &stage, timeout)
                .with_context(|| format!("cannot run {} on {}", lesson.name, runtime.name()))?;
            each(&run)?;
            runs.push(run);
        }
    }
    Ok(runs)
}

/// The interval between two counts of a child's threads. It is short enough to see threads that
/// live for only a few milliseconds.
pub const OFTEN: Duration = Duration::from_millis(2);
/// The interval between two counts of a child's threads if the counting must not disturb a
/// measurement.
pub const SELDOM: Duration = Duration::from_millis(200);

/// Describes how a child process ended, and the largest number of threads seen in it.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub threads: Option<u32>,
}

/// Describes how a child process ended.
#[derive(Debug)]
pub enum End {
    /// The child succeeded, and wrote this text to stdout.
    Answer(String),
    /// The child panicked with this message.
    Panic(String),
    /// The child failed in some other way, which the message describes.
    Failed(String),
    /// The child was killed because it exceeded its timeout.
    Killed,
}

/// Starts a child process that runs this program with the given arguments and environment
/// variables. Passes it `input` on stdin, and waits up to `timeout` for it to end.
///
/// Counts the child's threads at intervals of `look`, which is [`OFTEN`] or [`SELDOM`]. Counting
/// takes time on the cores that the child uses.
///
/// # Errors
/// Returns an error if the child cannot be started, or [`Interrupted`] if a signal has arrived.
/// Anything else that happens in the child is reported as an [`End`].
pub fn execute(
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: String,
    timeout: Duration,
    look: Duration,
) -> anyhow::Result<Ended> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(arguments)
        // Turn backtraces off, because we search stderr only for the panic message.
        .env("RUST_BACKTRACE", "0")
        // These variables configure the runtimes. Remove them, because we compare the runtimes in
        // their default configurations.
        .env_remove("TOKIO_WORKER_THREADS")
        .env_remove("ASYNC_STD_THREAD_COUNT")
        .env_remove("SMOL_THREADS")
        .env_remove("BLOCKING_MAX_THREADS")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Group::spawn(&mut command)?;
    let mut stdin = child.child().stdin.take().context("the child has no stdin")?;
    // Writing fails only if the child ended without reading its input. In that case, the child's
    // exit status explains more than this error.
    thread::spawn(move || stdin.write_all(input.as_bytes()));
    let stdout = read_all(child.child().stdout.take());
    let stderr = read_all(child.child().stderr.take());

    let (status, threads) = watch(&mut child, timeout, look, &stdout)?;
    let Some(status) = status else { return Ok(Ended { end: End::Killed, threads }) };
    let stdout = stdout.join().unwrap_or_default();
    let stderr = stderr.join().unwrap_or_default();
    let end = match panic_message(&stderr) {
        _ if status.success() => End::Answer(stdout),
        Some(message) => End::Panic(message),
        None => End::Failed(format!("{status}: {}", stderr.trim())),
    };
    Ok(Ended { end, threads })
}

/// Reads a pipe to its end on a new thread, so that the child never blocks on a full pipe. Wakes
/// the calling thread when the pipe has been read to its end.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let waiting = thread::current();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // If reading fails, the bytes that we have already read are still useful.
            let _ = pipe.read_to_end(&mut bytes);
        }
        waiting.unpark();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits until the child ends, and counts its threads while waiting. After the timeout, kills the
/// child and returns no status.
fn watch(
    child: &mut Group,
    timeout: Duration,
    look: Duration,
    stdout: &thread::JoinHandle<String>,
) -> anyhow::Result<(Option<std::process::ExitStatus>, Option<u32>)> {
    let start = Instant::now();
    let mut threads = None;
    loop {
        if interrupt::is_noted() {
            child.kill();
            return Err(Interrupted.into());
        }
        if let Some(status) = child.try_wait()? {
            if interrupt::may_have_ended(status) {
                return Err(Interrupted.into());
            }
            return Ok((Some(status), threads));
        }
        threads = threads.max(threads_of(child.child().id()));
        if start.elapsed() >= timeout {
            child.kill();
            return Ok((None, threads));
        }
        // A child that has closed its stdout is about to end, so we check more often.
        thread::park_timeout(if stdout.is_finished() { look.min(OFTEN) } else { look });
    }
}

/// Returns the message of the last panic in a program's stderr: the line after `panicked at`.
fn panic_message(stderr: &str) -> Option<String> {
    let lines: Vec<_> = stderr.lines().collect();
    let at = lines.iter().rposition(|line| line.contains(" panicked at "))?;
    Some(lines.get(at + 1).copied().unwrap_or_default().to_owned())
}

/// Returns the user and system time of this process, in milliseconds.
#[cfg(unix)]
pub fn cpu_ms() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e3)
}

/// Returns the number of context switches of this process, voluntary and involuntary.
#[cfg(unix)]
pub fn switches() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let both = usage.voluntary_context_switches() + usage.involuntary_context_switches();
    u64::try_from(both).ok()
}

#[cfg(not(unix))]
pub fn switches() -> Option<u64> {
    None
}

#[cfg(not(unix))]
pub fn cpu_ms() -> Option<f64> {
    None
}

/// Returns the number of allocations in this process, in a build with the feature `allocations`.
#[cfg(feature = "allocations")]
pub fn allocations() -> Option<u64> {
    let stats = stats_alloc::INSTRUMENTED_SYSTEM.stats();
    u64::try_from(stats.allocations + stats.reallocations).ok()
}

#[cfg(not(feature = "allocations"))]
pub fn allocations() -> Option<u64> {
    None
}

/// Returns the peak of this process's resident memory, in KiB. We don't use `ru_maxrss`, because a
/// child process inherits its parent's value.
pub fn peak_kib() -> Option<u64> {
    status_field("self", "VmHWM:")
}

/// Returns the current resident memory of this process, in KiB.
pub fn resident_kib() -> Option<u64> {
    status_field("self", "VmRSS:")
}

fn threads_of(process: u32) -> Option<u32> {
    status_field(&process.to_string(), "Threads:")
}

/// Reads a number from `/proc/{process}/status`, which exists only on Linux.
fn status_field<T: std::str::FromStr>(process: &str, name: &str) -> Option<T> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::panic_message;

    #[test]
    fn the_last_panic_message_is_reported() {
        let stderr = "thread 'a' (7) panicked at src/a.rs:1:1:\ncaught\n\
                      thread 'main' (6) panicked at src/b.rs:2:2:\nthe end\nnote: run with\n";
        assert_eq!(panic_message(stderr), Some("the end".into()));
        assert_eq!(panic_message("all is well"), None);
        assert_eq!(panic_message("thread 'main' panicked at src/b.rs:2:2:"), Some(String::new()));
    }
}
