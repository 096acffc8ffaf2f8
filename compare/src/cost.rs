//! Measures what it costs to adopt a runtime: builds this crate without a runtime, and with each
//! runtime alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

use crate::catalog::Runtime;
use crate::interrupt::{self, Interrupted};
use crate::kept;
use crate::process::Group;

/// The cost of one build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// The number of crates that were compiled, including `compare` itself.
    pub crates: usize,
    /// The processor time of the whole build from scratch, in seconds, if the system reports it.
    pub cpu_seconds: Option<f64>,
    pub wall_seconds: f64,
    /// The size of the release executable, with symbols stripped.
    pub bytes: u64,
}

/// The builds, as saved for the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// The output of `rustc --version`.
    pub rustc: String,
    /// The build without a runtime.
    pub baseline: Build,
    /// The builds with each runtime alone, in the order Tokio, async-std, smol.
    pub runtimes: [Build; 3],
}

/// The cost that a runtime adds to the build without a runtime.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Added {
    pub crates: usize,
    /// The processor time in seconds, if the system reports it. The value can be negative, because
    /// build times vary.
    pub cpu_seconds: Option<f64>,
    pub bytes: u64,
}

impl Costs {
    /// Returns what a runtime adds to the build.
    pub fn added(&self, runtime: Runtime) -> Added {
        let (build, none) = (&self.runtimes[runtime as usize], &self.baseline);
        let cpu_seconds =
            build.cpu_seconds.zip(none.cpu_seconds).map(|(with, without)| with - without);
        Added {
            crates: build.crates.saturating_sub(none.crates),
            cpu_seconds,
            bytes: build.bytes.saturating_sub(none.bytes),
        }
    }
}

/// Returns the open security advisories for a runtime and for the HTTP client that its lessons use.
pub fn advisories(runtime: Runtime) -> &'static [Advisory] {
    match runtime {
        Runtime::Tokio | Runtime::Smol => &[],
        Runtime::AsyncStd => &[
            Advisory { id: "RUSTSEC-2025-0052", says: "async-std is discontinued" },
            Advisory { id: "RUSTSEC-2025-0036", says: "surf is discontinued" },
            Advisory { id: "RUSTSEC-2026-0169", says: "surf's HTTP parser has a flaw" },
        ],
    }
}

/// Returns the advisories' identifiers for a table, or `none`.
pub fn advisory_ids(runtime: Runtime, between: &str) -> String {
    let ids: Vec<_> = advisories(runtime).iter().map(|advisory| advisory.id).collect();
    if ids.is_empty() { "none".into() } else { ids.join(between) }
}

/// An entry in the RustSec database.
#[derive(Debug, Clone, Copy)]
pub struct Advisory {
    pub id: &'static str,
    pub says: &'static str,
}

/// The `kind` of a file that contains build costs.
pub const KIND: &str = "compare cost 1";

/// Builds this crate four times from scratch, and reports each build on stderr. This takes several
/// minutes.
///
/// # Errors
/// Returns an error if the source code, cargo or rustc cannot be found, or if a build fails.
/// Returns [`Interrupted`] if a signal has arrived.
pub fn measure() -> anyhow::Result<Costs> {
    let workspace = kept::workspace()?;
    // Download the crates first, so that no build includes the time for downloads.
    let mut fetch = Command::new(cargo());
    let fetched = fetch.args(["fetch", "--locked", "--quiet"]).current_dir(&workspace).status();
    ensure!(
        fetched.context("cannot start cargo")?.success(),
        "cargo could not download the crates"
    );
    let rustc = Command::new("rustc").arg("--version").output().context("cannot start rustc")?;
    let build = |feature: &str, number: usize| {
        let what = if feature.is_empty() { "no runtime" } else { feature };
        build(&workspace, feature, &format!("{number} of 4, {what}"))
    };
    Ok(Costs {
        rustc: String::from_utf8_lossy(&rustc.stdout).trim().into(),
        baseline: build("", 1)?,
        runtimes: [build("tokio", 2)?, build("async-std", 3)?, build("smol", 4)?],
    })
}

fn cargo() -> std::ffi::OsString {
    // If cargo started this program, use the same cargo.
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds this crate from scratch, in a temporary folder.
fn build(workspace: &Path, feature: &str, title: &str) -> anyhow::Result<Build> {
    let target = tempfile::tempdir().context("cannot create a temporary folder")?;
    let (start, cpu_before) = (Instant::now(), cpu_of_children());
    let mut command = Command::new(cargo());
    command
        .args(["build", "--release", "--locked", "--package", "compare"])
        .args(["--no-default-features", "--features", feature])
        .args(["--message-format", "json-render-diagnostics", "--quiet", "--target-dir"])
        .arg(target.path())
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut cargo = Group::spawn(&mut command).context("cannot start cargo")?;
    let lines = lines(cargo.child().stdout.take().context("cargo has no stdout")?);
    let mut artifacts = Artifacts::default();
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => artifacts.add(&line?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt::is_noted() {
            cargo.kill();
            remove(target);
            return Err(Interrupted.into());
        }
        let (crates, seconds) = (artifacts.crates.len(), start.elapsed().as_secs());
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\rbuild {title}: {crates} crates, {seconds} s ");
        }
    }
    let (crates, seconds) = (artifacts.crates.len(), start.elapsed().as_secs());
    let _ = writeln!(io::stderr(), "\rbuild {title}: {crates} crates, {seconds} s ");
    let status = cargo.wait()?;
    if !status.success() {
        bail!("build {title} failed: cargo ended with {status}");
    }
    let executable = artifacts.executable.context("cargo did not report an executable")?;
    Ok(Build {
        crates: artifacts.crates.len(),
        cpu_seconds: cpu_of_children().zip(cpu_before).map(|(after, before)| after - before),
        wall_seconds: start.elapsed().as_secs_f64(),
        bytes: executable.metadata()?.len(),
    })
}

/// The interval at which we check for signals.
const LOOK: Duration = Duration::from_millis(100);

/// Reads lines on a separate thread, so that we can check for signals while we wait for a line.
fn lines(output: impl Read + Send + 'static) -> Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Sending fails only if we have stopped reading.
        BufReader::new(output).lines().try_for_each(|line| sender.send(line))
    });
    receiver
}

/// Removes the folder of a build that was killed. We retry, because a compiler that has not ended
/// yet may add a file while we remove the others.
fn remove(target: TempDir) {
    let folder = target.keep();
    for _ in 0..50 {
        if fs::remove_dir_all(&folder).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Collects what cargo reports about a build, line by line.
#[derive(Debug, Default)]
struct Artifacts {
    /// The packages that were compiled. This is a set, because cargo reports a package once for its
    /// library, once for its build script, and so on.
    crates: BTreeSet<String>,
    executable: Option<PathBuf>,
}

impl Artifacts {
    fn add(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        if message["reason"] == "compiler-artifact"
            && let Some(package) = message["package_id"].as_str()
        {
            self.crates.insert(package.into());
            self.executable =
                message["executable"].as_str().map(Into::into).or(self.executable.take());
        }
    }
}

/// Returns the user and system time of all processes that we have started and waited for, in
/// seconds.
#[cfg(unix)]
fn cpu_of_children() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    Some((usage.user_time() + usage.system_time()).num_milliseconds() as f64 / 1e3)
}

#[cfg(not(unix))]
fn cpu_of_children() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_names_every_advisory() {
        let readme = include_str!("../README.md");
        for advisory in Runtime::ALL.into_iter().flat_map(advisories) {
            // Both the text and the table of the README have to name each advisory.
            assert!(readme.matches(advisory.id).count() >= 2, "{advisory:?}");
        }
    }

    #[test]
    fn the_build_without_a_runtime_is_subtracted() {
        let build =
            |crates, cpu_seconds, bytes| Build { crates, cpu_seconds, wall_seconds: 1.0, bytes };
        let costs = Costs {
            rustc: "rustc".into(),
            baseline: build(100, Some(50.0), 1000),
            runtimes: [
                build(120, Some(70.0), 1500),
                build(150, None, 2000),
                build(110, Some(49.0), 900),
            ],
        };
        let added = |crates, cpu_seconds, bytes| Added { crates, cpu_seconds, bytes };
        assert_eq!(costs.added(Runtime::Tokio), added(20, Some(20.0), 500));
        assert_eq!(costs.added(Runtime::AsyncStd), added(50, None, 1000));
        assert_eq!(costs.added(Runtime::Smol), added(10, Some(-1.0), 0));
    }

    #[test]
    fn crates_are_counted_once_and_the_executable_is_found() {
        let mut artifacts = Artifacts::default();
        for line in [
            r#"{"reason":"compiler-artifact","package_id":"a 1.0","executable":null}"#,
            r#"{"reason":"compiler-artifact","package_id":"a 1.0","executable":null}"#,
            r#"{"reason":"build-script-executed","package_id":"c 1.0"}"#,
            "no JSON",
            r#"{"reason":"compiler-artifact","package_id":"b 1.0","executable":"/x/compare"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ] {
            artifacts.add(line);
        }
        assert_eq!(artifacts.crates.len(), 2);
        assert_eq!(artifacts.executable, Some("/x/compare".into()));
    }
}
