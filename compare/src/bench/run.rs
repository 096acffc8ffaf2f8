//! Takes the samples of the benches. Each sample is taken in a new process, and the contestants run
//! in random order.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::{Contestant, Sample, Setting, WORKLOADS, Workload};
use crate::child::{self, End};
use crate::interrupt::Interrupted;
use crate::machine::{self, Machine};

/// The results of a run of the benches, as they are saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The command that produced the results, and the version of their file format.
    pub kind: String,
    pub machine: Machine,
    /// The number of worker threads for each runtime. It does not apply to rows in which a runtime
    /// was measured with its own default number.
    pub threads: usize,
    /// The fraction of the processor time that the host withheld from this virtual machine during
    /// the run.
    pub stolen: Option<f64>,
    pub rows: Vec<Row>,
}

/// The `kind` of a file that contains results of the benches.
pub const KIND: &str = "compare bench 2";

impl Results {
    /// Returns whether all figures are plausible. A saved file can contain any number.
    pub fn is_sound(&self) -> bool {
        let taken = self.rows.iter().flat_map(|row| &row.samples);
        taken.flat_map(Taken::metrics).all(|(_, value)| (0.0..1e15).contains(&value))
    }
}

/// The samples of one workload on one contestant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub workload: String,
    pub contestant: Contestant,
    /// The number of worker threads, or `None` for a control.
    pub threads: Option<usize>,
    /// Whether `threads` is the runtime's own default, which differs from the common number of
    /// threads in the other rows.
    pub is_default: bool,
    pub samples: Vec<Taken>,
}

impl Row {
    /// Returns the name of the row in tables.
    pub fn title(&self) -> String {
        let name = match self.contestant {
            Contestant::Control => {
                let workload = WORKLOADS.iter().find(|workload| workload.name == self.workload);
                workload.map_or("control", |workload| workload.control)
            }
            contestant => contestant.name(),
        };
        match self.threads {
            Some(1) if self.is_default => format!("{name}, 1 thread"),
            Some(threads) if self.is_default => format!("{name}, {threads} threads"),
            _ => name.into(),
        }
    }

    /// Returns whether the other rows are compared with this one. Only Tokio's row with the common
    /// number of threads is the base.
    pub fn is_base(&self) -> bool {
        self.contestant == Contestant::Tokio && !self.is_default
    }

    /// Returns whether the other row has the same workload, the same contestant and the same
    /// `is_default`.
    pub fn is_like(&self, other: &Self) -> bool {
        let what = |row: &Self| (row.workload.clone(), row.contestant, row.is_default);
        what(self) == what(other)
    }

    /// Returns the values of a metric, in the order in which they were taken.
    pub fn values(&self, metric: &str) -> Vec<f64> {
        self.samples.iter().filter_map(|taken| taken.metrics().get(metric).copied()).collect()
    }
}

/// One sample, and the figures for the process that took it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    #[serde(flatten)]
    pub sample: Sample,
    /// The user and system time of the process.
    pub cpu_ms: Option<f64>,
    /// The number of context switches of the process, voluntary and involuntary.
    pub switches: Option<u64>,
    pub peak_kib: Option<u64>,
    /// The number of allocations, in a build that counts them.
    #[serde(default)]
    pub allocations: Option<u64>,
}

impl Taken {
    /// Returns all figures by name.
    pub fn metrics(&self) -> BTreeMap<&str, f64> {
        let mut metrics: BTreeMap<&str, f64> =
            self.sample.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        metrics.extend(self.cpu_ms.map(|ms| ("process: CPU ms", ms)));
        metrics.extend(self.switches.map(|count| ("process: switches", count as f64)));
        metrics.extend(self.peak_kib.map(|kib| ("process: peak MiB", kib as f64 / 1024.0)));
        metrics.extend(self.allocations.map(|count| ("process: allocations", count as f64)));
        metrics
    }
}

/// The settings for a run of the benches.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The number of worker threads for each runtime.
    pub threads: usize,
    /// Whether to measure a runtime a second time with its default number of threads, if the
    /// default differs from `threads`.
    pub with_defaults: bool,
    pub samples: usize,
    /// The seed for the random order.
    pub seed: u64,
}

impl Plan {
    /// Returns the plan for a quick run: 7 samples, and one worker thread per core.
    pub fn quick() -> Self {
        Self { threads: cores(), with_defaults: false, samples: 7, seed: fastrand::u64(..) }
    }

    /// Returns the plan for a full run: 30 samples, and one worker thread per core. A runtime with
    /// a different default is also measured with its default.
    pub fn full() -> Self {
        Self { with_defaults: true, samples: 30, ..Self::quick() }
    }

    /// Returns the rows to measure, which have no samples yet.
    pub fn rows(&self, workloads: &[&'static Workload], cores: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        for workload in workloads {
            let is_there = |contestant: &Contestant| workload.of(*contestant).is_some();
            for contestant in Contestant::ALL.into_iter().filter(is_there) {
                let own = contestant.own_threads(cores);
                let mut add = |threads, is_default| {
                    let (workload, samples) = (workload.name.into(), Vec::new());
                    rows.push(Row { workload, contestant, threads, is_default, samples });
                };
                add(own.map(|_| self.threads), false);
                if self.with_defaults && own.is_some_and(|own| own != self.threads) {
                    add(own, true);
                }
            }
        }
        rows
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Takes one sample in this process, which is a child of the process that runs the benches, and
/// prints the sample.
///
/// # Errors
/// Fails if this build has no such workload or contestant, or if the sample cannot be printed.
pub fn sample_here(
    workload: &str,
    contestant: &str,
    threads: Option<usize>,
    server: SocketAddr,
) -> anyhow::Result<ExitCode> {
    let contestant = super::find_contestant(contestant)?;
    let workloads = super::find(&[workload.to_owned()], false)?;
    let work = workloads.first().and_then(|workload| workload.of(contestant));
    let setting = Setting { threads, server, is_small: false };
    let missing = || format!("this build does not contain `{workload}` for {}", contestant.name());
    let sample = work.with_context(missing)?(setting);
    let taken = Taken {
        sample,
        cpu_ms: child::cpu_ms(),
        switches: child::switches(),
        peak_kib: child::peak_kib(),
        allocations: child::allocations(),
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&taken)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes all samples. If a signal interrupts the run, returns the samples of all complete rounds.
///
/// # Errors
/// Fails if a sample fails, or if the samples of a workload have different checksums.
pub fn take(plan: &Plan, workloads: &[&'static Workload]) -> anyhow::Result<Results> {
    let machine = Machine::look();
    let mut rows = plan.rows(workloads, machine.cores);
    let server = super::server::start().context("cannot start the HTTP server")?;
    let before = machine::stolen();
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let bar = progress((plan.samples * rows.len()) as u64);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    'rounds: for _ in 0..plan.samples {
        // Each round takes one sample of every row, in a new order. So a disturbance affects all
        // rows, and no row is always measured right after the same other row.
        random.shuffle(&mut order);
        let mut round = Vec::new();
        for place in &order {
            let row = &rows[*place];
            bar.set_message(format!("{}: {}", row.workload, row.title()));
            match take_one(row, server) {
                Ok(taken) => round.push((*place, taken)),
                Err(error) if error.is::<Interrupted>() => break 'rounds,
                Err(error) => return Err(error),
            }
            bar.inc(1);
        }
        for (place, taken) in round {
            rows[place].samples.push(taken);
        }
    }
    bar.finish_and_clear();
    check(&rows)?;
    let stolen = machine::stolen().zip(before).and_then(|(after, before)| after.since(before));
    Ok(Results { kind: KIND.into(), machine, threads: plan.threads, stolen, rows })
}

/// The timeout for one sample. A sample that does not hang takes only a fraction of this time.
const TIMEOUT: Duration = Duration::from_secs(120);

fn take_one(row: &Row, server: SocketAddr) -> anyhow::Result<Taken> {
    let (threads, server) = (row.threads.map(|threads| threads.to_string()), server.to_string());
    let mut arguments =
        vec!["sample", &row.workload, row.contestant.name(), "--server", server.as_str()];
    let mut variables = Vec::new();
    // To get the default number of threads, we don't pass a number.
    if let Some(threads) = threads.as_deref().filter(|_| !row.is_default) {
        arguments.extend(["--threads", threads]);
        // The global executors read the number from the environment.
        variables.extend(["ASYNC_STD_THREAD_COUNT", "SMOL_THREADS"].map(|name| (name, threads)));
    }
    let end = child::execute(&arguments, &variables, String::new(), TIMEOUT, child::SELDOM)?.end;
    let what = || format!("{}: {}", row.workload, row.title());
    match end {
        End::Answer(taken) => serde_json::from_str(&taken).with_context(what),
        End::Panic(message) | End::Failed(message) => bail!("{}: {message}", what()),
        End::Killed => bail!("{}: killed after {} s", what(), TIMEOUT.as_secs()),
    }
}

/// Checks that all contestants have done the same work.
fn check(rows: &[Row]) -> anyhow::Result<()> {
    for row in rows {
        let first = rows.iter().find(|other| other.workload == row.workload);
        let expected = first.and_then(|row| row.samples.first()).map(|taken| taken.sample.checksum);
        for taken in &row.samples {
            if Some(taken.sample.checksum) != expected {
                bail!(
                    "{}: {} did not do the same work as the others: checksum {} instead of {}",
                    row.workload,
                    row.title(),
                    taken.sample.checksum,
                    expected.unwrap_or_default()
                );
            }
        }
    }
    Ok(())
}

fn progress(samples: u64) -> ProgressBar {
    let target = match io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(samples), target);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left  {msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(contestant: Contestant, checksum: u64) -> Row {
        let sample = Sample { metrics: BTreeMap::from([("ns".into(), 5.0)]), checksum };
        let taken =
            Taken { sample, cpu_ms: Some(1.0), switches: None, peak_kib: None, allocations: None };
        let (threads, is_default) = (Some(2), false);
        Row { workload: "work".into(), contestant, threads, is_default, samples: vec![taken] }
    }

    #[test]
    fn impossible_figures_are_detected() {
        let results = |value: f64| {
            let mut row = row(Contestant::Tokio, 1);
            row.samples[0].sample.metrics.insert("ns".into(), value);
            let (kind, machine) = (KIND.into(), Machine::look());
            Results { kind, machine, threads: 2, stolen: None, rows: vec![row] }
        };
        assert!(results(0.0).is_sound() && results(1e9).is_sound());
        for value in [-1.0, 1e300, f64::NAN, f64::INFINITY] {
            assert!(!results(value).is_sound(), "{value}");
        }
    }

    #[test]
    fn a_contestant_that_did_different_work_is_detected() {
        assert!(check(&[row(Contestant::Tokio, 42), row(Contestant::Smol, 42)]).is_ok());
        let error = check(&[row(Contestant::Tokio, 42), row(Contestant::Smol, 41)]).unwrap_err();
        assert!(error.to_string().contains("work: smol did not"), "{error}");
    }
}
