//! The contents of the report: reads saved results, and measures the missing ones.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::behaviours::{self, Observation};
use crate::bench::{self, run::Results};
use crate::catalog;
use crate::child::{self, Run};
use crate::cost::{self, Costs};
use crate::interrupt::{self, Interrupted};
use crate::kept::{self, Kept};
use crate::machine::Machine;

/// All results. A result that was not measured is `None`.
#[derive(Debug, Default)]
pub struct Report {
    pub lessons: Option<Kept<Vec<Run>>>,
    pub behaviours: Option<Kept<Vec<Observation>>>,
    pub cost: Option<Kept<Costs>>,
    pub bench: Option<Results>,
}

/// The names of the files in the results folder.
pub const LESSONS: &str = "lessons.json";
pub const BEHAVIOURS: &str = "behaviours.json";
pub const COST: &str = "cost.json";
/// The results of a complete run.
pub const BENCH: &str = "bench.json";
/// The results of a complete run with `--quick`.
pub const BENCH_QUICK: &str = "bench-quick.json";
/// The results of the last partial run. The report does not use them.
pub const BENCH_OTHER: &str = "bench-other.json";

impl Report {
    /// Reads the results that a folder contains.
    ///
    /// # Errors
    /// Fails if one of the files cannot be read, or does not contain the results of its command.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            lessons: load(&folder.join(LESSONS), child::KIND)?,
            behaviours: load(&folder.join(BEHAVIOURS), behaviours::KIND)?,
            cost: load(&folder.join(COST), cost::KIND)?,
            bench: match benches(&folder.join(BENCH))? {
                None => benches(&folder.join(BENCH_QUICK))?,
                full => full,
            },
        })
    }

    /// Measures the missing results with quick runs, saves them in the folder, and reports the
    /// progress on stderr. Does not measure the cost of a build, because [`cost::measure`] takes
    /// many minutes.
    ///
    /// # Errors
    /// Returns an error if a result cannot be measured or saved, or [`Interrupted`] if a signal has
    /// arrived.
    pub fn complete(&mut self, folder: &Path) -> anyhow::Result<()> {
        let tell = |text: &str| {
            let _ = writeln!(io::stderr(), "{text}");
        };
        // Start with the benches, so that the machine is not still busy with the lessons or the
        // experiments.
        if self.bench.is_none() {
            tell("measuring the quick benches, which takes about a minute ...");
            for warning in Machine::look().warnings() {
                tell(&format!("compare: {warning}"));
            }
            let results = bench::run::take(&bench::run::Plan::quick(), &bench::find(&[], true)?)?;
            if interrupt::is_noted() {
                return Err(Interrupted.into());
            }
            kept::save(&results, &folder.join(BENCH_QUICK))?;
            self.bench = Some(results);
        }
        if self.lessons.is_none() {
            tell("running the lessons, which takes several seconds ...");
            let machine = Machine::look();
            let runs = child::run_all(&catalog::find_all(&[])?, TIMEOUT, |_| Ok(()))?;
            let kept = Kept::new(child::KIND, machine, runs);
            kept::save(&kept, &folder.join(LESSONS))?;
            self.lessons = Some(kept);
        }
        if self.behaviours.is_none() {
            tell("running the experiments for the behaviours, which takes several seconds ...");
            let machine = Machine::look();
            let all: Vec<_> = behaviours::BEHAVIOURS.iter().collect();
            let seen = behaviours::observe_all(&all, |_, _| Ok(()))?;
            let kept = Kept::new(behaviours::KIND, machine, seen);
            kept::save(&kept, &folder.join(BEHAVIOURS))?;
            self.behaviours = Some(kept);
        }
        if self.cost.is_none() {
            tell("the page shows no build costs: run `compare cost`, which takes several minutes");
        }
        Ok(())
    }
}

impl Report {
    /// Returns whether every answer was correct or as expected.
    pub fn is_right(&self) -> bool {
        let runs = self.lessons.iter().flat_map(|kept| &kept.result);
        let seen = self.behaviours.iter().flat_map(|kept| &kept.result);
        runs.map(|run| run.outcome.is_same()).chain(seen.map(|o| o.is_as_expected)).all(|is| is)
    }

    /// Returns the name of each result, and the machine on which the result was measured.
    pub fn machines(&self) -> Vec<(&'static str, &Machine)> {
        let machines = [
            ("lessons", self.lessons.as_ref().map(|kept| &kept.machine)),
            ("behaviours", self.behaviours.as_ref().map(|kept| &kept.machine)),
            ("cost", self.cost.as_ref().map(|kept| &kept.machine)),
            ("benches", self.bench.as_ref().map(|results| &results.machine)),
        ];
        machines.into_iter().filter_map(|(what, machine)| Some((what, machine?))).collect()
    }
}

/// The timeout for one run of a lesson.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Loads the results of the benches, if the file exists, and checks that the figures can be drawn.
fn benches(file: &Path) -> anyhow::Result<Option<Results>> {
    let results: Option<Results> = load(file, bench::run::KIND)?;
    let is_sound = results.iter().all(Results::is_sound);
    ensure!(is_sound, "{}: contains impossible figures: run `compare bench` again", file.display());
    // Treat a file without samples like a missing file.
    Ok(results.filter(|results| results.rows.iter().any(|row| !row.samples.is_empty())))
}

/// Loads a result, if the file exists.
fn load<T: serde::de::DeserializeOwned>(file: &Path, kind: &str) -> anyhow::Result<Option<T>> {
    let is_there = file.try_exists().with_context(|| file.display().to_string())?;
    is_there.then(|| kept::load(file, kind)).transpose()
}
