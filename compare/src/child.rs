//! A run in a process of its own: input in, one answer and its own figures out.
//!
//! A fresh process has nothing of the runs before it: its peak memory, processor time and threads
//! are those of one lesson on one runtime. The program starts itself again, as `compare child`.

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

/// What is in the field `kind` of a file of lessons.
pub const KIND: &str = "compare lessons 1";

/// One run and what became of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    pub lesson: String,
    pub runtime: Runtime,
    /// Of its source.
    pub lines: Lines,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The most threads seen at once, by looking every few milliseconds; where the system tells.
    pub threads: Option<u32>,
}

/// What became of a run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It gave the one right answer.
    Same(Report),
    /// It gave another.
    Wrong { expected: Value, report: Report },
    /// It panicked, with this message.
    Panic { message: String },
    /// It was killed when its time was over.
    Hang { seconds: f64 },
    /// It ended without an answer in some other way.
    Failed { message: String },
    /// The runtime was left out of this build.
    NotBuilt,
}

impl Outcome {
    /// Whether there is nothing to complain of. A runtime left out gives no answer to compare.
    pub fn is_same(&self) -> bool {
        matches!(self, Self::Same(_) | Self::NotBuilt)
    }

    /// The answer and figures, where it came to an end.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Same(report) | Self::Wrong { report, .. } => Some(report),
            _ => None,
        }
    }
}

/// What a child says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub answer: Value,
    /// From before the runtime starts to after it has ended.
    pub wall_ms: f64,
    /// User and system time of the whole process, where the system tells.
    pub cpu_ms: Option<f64>,
    /// The peak of its resident memory in KiB, where the system tells.
    pub peak_kib: Option<u64>,
    /// When each of its tasks ran.
    pub spans: Vec<Recorded>,
}

/// In the child: runs a lesson here, with the input from stdin, and prints the report.
pub fn run_here(lesson: &str, runtime: &str, file_limit: Option<u64>) -> anyhow::Result<ExitCode> {
    if let Some(bytes) = file_limit {
        limit_files(bytes)?;
    }
    let runtime = catalog::find_runtime(runtime)?;
    let Some(start) = catalog::find(lesson)?.column(runtime).start else {
        bail!("{} was left out of this build", runtime.name());
    };
    // See the feature in Cargo.toml. An error: there is a provider already.
    #[cfg(feature = "tls")]
    let _ = rustls::crypto::ring::default_provider().install_default();

    let input = serde_json::from_reader(io::stdin().lock()).context("reading the input")?;
    let clock = Instant::now();
    let answer = start(input)?;
    let wall_ms = clock.elapsed().as_secs_f64() * 1e3;
    let spans = timeline::take(clock);
    let report = Report { answer, wall_ms, cpu_ms: cpu_ms(), peak_kib: peak_kib(), spans };
    writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Lets no file of this process grow beyond so many bytes: a stand-in for a full disk that needs no
/// root. A write beyond it fails, and raises a signal, which would end the process; it is blocked here
/// before a runtime starts threads, which inherit that.
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

/// In the parent: runs a lesson on a runtime in a process of its own, for `timeout` at most.
///
/// # Errors
/// Where the process cannot be started; whatever happens in it is an [`Outcome`].
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
    let scene = Scene::new().context("making a temporary folder")?;
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

/// Runs lessons on all runtimes, one run at a time, so that none disturbs another; hands each run on when
/// it is over.
///
/// # Errors
/// As [`run`], and whatever `each` says.
pub fn run_all(
    lessons: &[&'static Lesson],
    timeout: Duration,
    mut each: impl FnMut(&Run) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Run>> {
    let stage = Stage::start().context("starting the loopback servers")?;
    let mut runs = Vec::new();
    for lesson in lessons {
        for runtime in Runtime::ALL {
            let run = run(lesson, runtime, &stage, timeout)
                .with_context(|| format!("running {} on {}", lesson.name, runtime.name()))?;
            each(&run)?;
            runs.push(run);
        }
    }
    Ok(runs)
}

/// Often enough to see threads that live for some milliseconds.
pub const OFTEN: Duration = Duration::from_millis(2);
/// So seldom that it does not disturb what is measured.
pub const SELDOM: Duration = Duration::from_millis(200);

/// How a process of its own has ended, and the most threads seen in it.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub threads: Option<u32>,
}

/// How a process has ended.
#[derive(Debug)]
pub enum End {
    /// Well, and with this on stdout.
    Answer(String),
    /// By a panic, with this message.
    Panic(String),
    /// In some other way.
    Failed(String),
    /// It was killed when its time was over.
    Killed,
}

/// Starts this program again with other arguments and variables, gives it `input`, and waits for its end, for
/// `timeout` at most. Every `look` it counts its threads, which takes time of the same cores: [`OFTEN`] or
/// [`SELDOM`].
///
/// # Errors
/// Where it cannot be started, or [`Interrupted`]; whatever happens in it is an [`End`].
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
        // What a panic says is read below; a backtrace would only be in the way.
        .env("RUST_BACKTRACE", "0")
        // The runtimes are to be as they are when nothing is said about it.
        .env_remove("TOKIO_WORKER_THREADS")
        .env_remove("ASYNC_STD_THREAD_COUNT")
        .env_remove("SMOL_THREADS")
        .env_remove("BLOCKING_MAX_THREADS")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = Group::spawn(&mut command)?;
    let mut stdin = child.child().stdin.take().context("stdin")?;
    // An error: the child has ended without reading, which its exit status tells better.
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

/// Reads a pipe to its end on a thread, so that the child never waits for us; wakes us at the end.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let waiting = thread::current();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error still says something.
            let _ = pipe.read_to_end(&mut bytes);
        }
        waiting.unpark();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the child and counts its threads in the meantime. Kills it at its timeout, and then
/// returns no status.
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
        // After its last output, a child is about to end.
        thread::park_timeout(if stdout.is_finished() { look.min(OFTEN) } else { look });
    }
}

/// The message of the last panic in a program's stderr: the line after `panicked at`.
fn panic_message(stderr: &str) -> Option<String> {
    let lines: Vec<_> = stderr.lines().collect();
    let at = lines.iter().rposition(|line| line.contains(" panicked at "))?;
    Some(lines.get(at + 1).copied().unwrap_or_default().to_owned())
}

/// User and system time of this process, in milliseconds.
#[cfg(unix)]
pub fn cpu_ms() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e3)
}

/// How often a thread of this process was taken off its core.
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

/// How often memory was asked for in this process, in a build with the feature `allocations`.
#[cfg(feature = "allocations")]
pub fn allocations() -> Option<u64> {
    let stats = stats_alloc::INSTRUMENTED_SYSTEM.stats();
    u64::try_from(stats.allocations + stats.reallocations).ok()
}

#[cfg(not(feature = "allocations"))]
pub fn allocations() -> Option<u64> {
    None
}

/// Not `ru_maxrss`: a child inherits the parent's there.
pub fn peak_kib() -> Option<u64> {
    status_field("self", "VmHWM:")
}

/// What this process has of the memory now, in KiB.
pub fn resident_kib() -> Option<u64> {
    status_field("self", "VmRSS:")
}

fn threads_of(process: u32) -> Option<u32> {
    status_field(&process.to_string(), "Threads:")
}

/// A number from `/proc/{process}/status`, which Linux has and others have not.
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
