//! What the page is made of: the results that were kept, and what is missing, measured now.

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

/// All that is known; what was not measured is `None`.
#[derive(Debug, Default)]
pub struct Report {
    pub lessons: Option<Kept<Vec<Run>>>,
    pub behaviours: Option<Kept<Vec<Observation>>>,
    pub cost: Option<Kept<Costs>>,
    pub bench: Option<Results>,
}

/// The files of a folder of results.
pub const LESSONS: &str = "lessons.json";
pub const BEHAVIOURS: &str = "behaviours.json";
pub const COST: &str = "cost.json";
/// A whole full run.
pub const BENCH: &str = "bench.json";
/// A whole quick one.
pub const BENCH_QUICK: &str = "bench-quick.json";
/// The last of any other kind, which is for the user only.
pub const BENCH_OTHER: &str = "bench-other.json";

impl Report {
    /// Reads what a folder has of results.
    ///
    /// # Errors
    /// One of them is broken, or no file of ours.
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

    /// Measures what is missing, quickly, keeps it in the folder, and tells of it on stderr. What takes
    /// many minutes stays missing: [`cost::measure`].
    ///
    /// # Errors
    /// Something cannot be run or kept; [`Interrupted`].
    pub fn complete(&mut self, folder: &Path) -> anyhow::Result<()> {
        let tell = |text: &str| {
            let _ = writeln!(io::stderr(), "{text}");
        };
        // The benches first: what comes after them is no load on their machine.
        if self.bench.is_none() {
            tell("measuring the quick benches, a minute ...");
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
            tell("running the lessons, some seconds ...");
            let machine = Machine::look();
            let runs = child::run_all(&catalog::find_all(&[])?, TIME_OUT, |_| Ok(()))?;
            let kept = Kept::new(child::KIND, machine, runs);
            kept::save(&kept, &folder.join(LESSONS))?;
            self.lessons = Some(kept);
        }
        if self.behaviours.is_none() {
            tell("asking for the behaviours, some seconds ...");
            let machine = Machine::look();
            let all: Vec<_> = behaviours::BEHAVIOURS.iter().collect();
            let seen = behaviours::observe_all(&all, |_, _| Ok(()))?;
            let kept = Kept::new(behaviours::KIND, machine, seen);
            kept::save(&kept, &folder.join(BEHAVIOURS))?;
            self.behaviours = Some(kept);
        }
        if self.cost.is_none() {
            tell("what a build costs is not measured; `compare cost` does that, in minutes");
        }
        Ok(())
    }
}

impl Report {
    /// Whether every answer was as it should be.
    pub fn is_right(&self) -> bool {
        let runs = self.lessons.iter().flat_map(|kept| &kept.result);
        let seen = self.behaviours.iter().flat_map(|kept| &kept.result);
        runs.map(|run| run.outcome.is_same()).chain(seen.map(|o| o.is_as_expected)).all(|is| is)
    }

    /// What each part was measured on.
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

/// For one run of a lesson.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Benches that may not be there, with figures that can be drawn.
fn benches(file: &Path) -> anyhow::Result<Option<Results>> {
    let results: Option<Results> = load(file, bench::run::KIND)?;
    let is_sound = results.iter().all(Results::is_sound);
    ensure!(is_sound, "{}: it has figures that cannot be", file.display());
    // An empty one is as good as none.
    Ok(results.filter(|results| results.rows.iter().any(|row| !row.samples.is_empty())))
}

/// A file that may not be there.
fn load<T: serde::de::DeserializeOwned>(file: &Path, kind: &str) -> anyhow::Result<Option<T>> {
    let is_there = file.try_exists().with_context(|| file.display().to_string())?;
    is_there.then(|| kept::load(file, kind)).transpose()
}
