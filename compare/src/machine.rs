//! Describes the machine on which the results were measured.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The machine, and how busy it was. A field is `None` if the system does not report it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: Option<String>,
    pub cores: usize,
    /// Whether the machine is a virtual machine.
    pub is_virtual: Option<bool>,
    pub kernel: Option<String>,
    /// The governor that chooses the processor's frequency.
    pub governor: Option<String>,
    /// The load average of the last minute: how many processes were running or waiting for a core.
    pub load: Option<f64>,
    /// The versions of the runtimes in this build.
    pub versions: Vec<String>,
    pub commit: Option<String>,
    pub is_release: bool,
    /// The time at which the machine was described, in seconds since 1970.
    pub time: u64,
}

impl Machine {
    /// Describes this machine as it is now.
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        let cpuinfo = read("/proc/cpuinfo");
        let processor = cpuinfo.as_ref().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(": ")?.1.to_owned())
        });
        let load = read("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok());
        Self {
            processor,
            cores: thread::available_parallelism().map_or(1, usize::from),
            is_virtual: cpuinfo.map(|text| text.contains(" hypervisor")),
            kernel: read("/proc/sys/kernel/osrelease"),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            load,
            versions: versions(include_str!("../../Cargo.lock")),
            commit: commit(),
            is_release: !cfg!(debug_assertions),
            time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        }
    }

    /// Returns the date and time at which the machine was described, in UTC.
    pub fn date(&self) -> String {
        // A saved file can contain any number, but the date format covers only years up to 9999.
        let time = Some(self.time).filter(|time| *time < 253_402_300_800);
        let time = time.and_then(|time| UNIX_EPOCH.checked_add(Duration::from_secs(time)));
        time.map_or_else(
            || "unknown".into(),
            |time| {
                let text = humantime::format_rfc3339_seconds(time).to_string();
                text.replace('T', " ").replace('Z', " UTC")
            },
        )
    }

    /// Returns the reasons not to trust figures from this machine.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.is_release {
            warnings.push(
                "this is a debug build, whose figures say nothing about a release build: use --release"
                    .into(),
            );
        }
        if let Some(load) = self.load.filter(|load| *load > 0.5) {
            warnings.push(format!(
                "the machine is busy with something else (load {load}): measure when it is idle"
            ));
        }
        warnings
    }
}

/// The time that has passed on all processors together, in the system's ticks.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    all: u64,
    stolen: u64,
}

impl Ticks {
    /// Returns how much of the time since `before` was stolen, as a fraction.
    pub fn since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some(self.stolen.checked_sub(before.stolen)? as f64 / all as f64)
    }

    /// Parses the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq,
    /// steal.
    fn of(stat: &str) -> Option<Self> {
        let numbers = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let ticks: Vec<u64> = numbers.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { all: ticks.iter().sum(), stolen: *ticks.get(7)? })
    }
}

/// Returns the processor time since the machine started, and how much of it was *stolen*. During
/// stolen time, this virtual machine had work to do, but the host ran something else. Returns
/// `None` if the system does not report this.
pub fn stolen() -> Option<Ticks> {
    Ticks::of(&fs::read_to_string("/proc/stat").ok()?)
}

/// Returns the names and versions of the runtimes in a lock file.
fn versions(lock: &str) -> Vec<String> {
    let packages = lock.split("[[package]]").filter_map(|package| {
        let value = |key: &str| {
            let line = package.lines().find(|line| line.starts_with(&format!("{key} = ")))?;
            line.split('"').nth(1)
        };
        let name = value("name").filter(|name| ["tokio", "async-std", "smol"].contains(name))?;
        Some(format!("{name} {}", value("version")?))
    });
    packages.collect()
}

/// Returns the commit of the source code, with a `+` if there are uncommitted changes.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let output = git.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain"])?.is_empty();
    Some(if is_clean { commit } else { commit + "+" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"smol\"\nversion = \"2.0.2\"\n\n\
                    [[package]]\nname = \"smolder\"\nversion = \"1.0.0\"\n";
        assert_eq!(versions(lock), ["smol 2.0.2"]);
        assert_eq!(Machine::look().versions.len(), 3);
    }

    #[test]
    fn stolen_time_is_a_fraction_of_the_time_that_passed() {
        let before = Ticks::of("cpu  10 0 10 70 0 0 0 10 0 0\ncpu0 1\n").unwrap();
        let after = Ticks::of("cpu  40 0 20 115 0 0 0 25 0 0\n").unwrap();
        assert_eq!(after.since(before), Some(0.15));
        assert_eq!(before.since(before), None);
        assert!(Ticks::of("intr 5").is_none());
    }

    #[test]
    fn a_time_is_formatted_as_a_date() {
        let machine = Machine { time: 1_700_000_000, ..Machine::look() };
        assert_eq!(machine.date(), "2023-11-14 22:13:20 UTC");
        for time in [253_402_300_800, u64::MAX] {
            assert_eq!(Machine { time, ..Machine::look() }.date(), "unknown");
        }
    }

    #[test]
    fn a_busy_machine_and_a_debug_build_cause_warnings() {
        let quiet = Machine { load: Some(0.1), is_release: true, ..Machine::look() };
        assert!(quiet.warnings().is_empty());
        let busy = Machine { load: Some(3.0), is_release: false, ..quiet };
        assert_eq!(busy.warnings().len(), 2);
    }
}
