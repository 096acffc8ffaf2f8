//! The seven lessons on Tokio, async-std and smol: run side by side, and read side by side.
//!
//! Run with: `cargo run -p compare`, or `cargo run -p compare -- code hello`

#![cfg_attr(
    test,
    allow(dead_code, unused_imports, reason = "the unit tests leave out what needs a runtime")
)]

mod align;
mod api;
#[cfg_attr(
    not(all(feature = "tokio", feature = "async-std", feature = "smol")),
    allow(dead_code, unused_imports, reason = "an experiment left out leaves its helpers behind")
)]
mod behaviours;
#[cfg_attr(
    not(all(feature = "bench", any(feature = "tokio", feature = "async-std", feature = "smol"))),
    allow(dead_code, reason = "some work is only for runtimes, and some for that feature")
)]
#[doc(hidden)] // public for the integration tests
pub mod bench;
mod catalog;
mod child;
mod cost;
mod highlight;
mod interrupt;
mod kept;
mod lessons;
mod machine;
mod process;
mod report;
#[doc(hidden)] // public for the integration tests
pub mod serve;
#[cfg_attr(
    not(any(feature = "tokio", feature = "async-std", feature = "smol")),
    allow(dead_code, reason = "without a runtime there is nothing to note")
)]
mod timeline;
mod view;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use behaviours::Behaviour;
use bench::run::{Plan, Results};
use catalog::{Lesson, Runtime};
use clap::{Parser, Subcommand};
use interrupt::Interrupted;
use kept::Kept;
use machine::Machine;
use report::Report;

/// The seven lessons on Tokio, async-std and smol, side by side. Without a command: `lessons`.
#[derive(Parser)]
#[command(after_help = "Examples:
  compare                                every lesson on every runtime, one table
  compare lessons hello fetch --json
  compare code worker-pool
  compare code hello --runtime async-std,smol
  compare api
  compare behaviours
  compare behaviours dropped-handle
  compare cost
  cargo run --release -p compare -- bench --quick
  cargo run --release -p compare -- report -o compare.html

Exit status: 0 all answers are as they should be, 1 one is not, 2 wrong call, 130\ninterrupted (143 by SIGTERM, 129 by SIGHUP).")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run lessons, each on each runtime in a process of its own, and compare answers and costs. For
    /// lessons asked for by name, also draw when each of their tasks ran.
    Lessons {
        /// Which lessons; without any, all seven.
        #[arg(value_name = "LESSON")]
        names: Vec<String>,
        /// Print one JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
        /// Kill a run that takes longer.
        #[arg(long, default_value = "10s", value_name = "TIME", value_parser = humantime::parse_duration)]
        timeout: Duration,
    },
    /// Print the three sources of a lesson in columns, step beside step.
    Code {
        /// Which lesson.
        lesson: String,
        /// Which columns, such as tokio,smol; without it, all three.
        #[arg(long = "runtime", value_name = "NAME", value_delimiter = ',')]
        runtimes: Vec<String>,
        /// Without colours, which are only for terminals anyway.
        #[arg(long)]
        plain: bool,
        /// The width to print for, in characters.
        #[arg(long, default_value_t = view::terminal_width(), value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(60..=1000))]
        width: u16,
    },
    /// Print how asyncio and each runtime spell the usual things.
    Api {
        /// The width to print for, in characters.
        #[arg(long, default_value_t = view::terminal_width(), value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(60..=1000))]
        width: u16,
    },
    /// Put questions to the runtimes on which they differ, each in a process of its own.
    Behaviours {
        /// Which ones; without any, all.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Print one JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
        /// The width to print for, in characters.
        #[arg(long, default_value_t = view::terminal_width(), value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(60..=1000))]
        width: u16,
    },
    /// Build this program with no runtime and with each alone, and tell what each adds. Takes minutes.
    Cost {
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure what the runtimes cost: the same work on each, a process for every sample.
    Bench(BenchArguments),
    /// Write all of it on one page of HTML. What was measured before is taken from target/compare; what
    /// is missing is measured quickly first.
    Report {
        /// Where to write the page; - for stdout. By default target/compare/report.html.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The folder with the results, instead of target/compare.
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
        /// Measure nothing: mark what is missing as not measured.
        #[arg(long)]
        as_is: bool,
    },
    /// One run, as this program starts it of itself: input on stdin, answer and figures on stdout.
    #[command(hide = true)]
    Child {
        lesson: String,
        runtime: String,
        /// Let no file grow beyond this many bytes, as if the disk were full.
        #[arg(long)]
        file_limit: Option<u64>,
    },
    /// One sample of a bench, in the same way.
    #[command(hide = true)]
    Sample {
        workload: String,
        contestant: String,
        #[arg(long)]
        threads: Option<usize>,
        #[arg(long)]
        server: SocketAddr,
    },
    /// One experiment, in the same way.
    #[command(hide = true)]
    Experiment { name: String, runtime: String, asked_from: String },
}

/// Counts what it gives out. Only where that is asked for: it would be measured with the rest.
#[cfg(feature = "allocations")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

#[derive(clap::Args)]
struct BenchArguments {
    /// Seven of the workloads, and 7 samples of each: less than a minute.
    #[arg(long)]
    quick: bool,
    /// Which workloads, such as yield,ping-pong.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Say of every workload what it measures and what is expected, and measure nothing.
    #[arg(long)]
    list: bool,
    /// How many samples of each; by default 30, or 7 with --quick.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1000))]
    samples: Option<u16>,
    /// Worker threads of each runtime; by default one for each core. A runtime that by itself takes
    /// another number is measured with that as well, but not with --quick.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    threads: Option<u16>,
    /// Where to keep the results; by default in target/compare: a whole run in bench.json or
    /// bench-quick.json, any other in bench-other.json.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Results of an earlier run, to hold these against.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Whether anything so far was not as it should be.
static WRONG: AtomicBool = AtomicBool::new(false);

fn note(is_right: bool) {
    WRONG.fetch_or(!is_right, Relaxed);
}

/// Reads the command line and runs the command it names.
pub fn main() -> ExitCode {
    let everything =
        Command::Lessons { names: vec![], json: false, timeout: Duration::from_secs(10) };
    let outcome = match Arguments::parse().command.unwrap_or(everything) {
        Command::Lessons { names, json, timeout } => lessons(&names, json, timeout),
        Command::Code { lesson, runtimes, plain, width } => {
            code(&lesson, &runtimes, width.into(), plain)
        }
        Command::Api { width } => print(&view::api(&api::rows(), width.into())),
        Command::Behaviours { names, json, width } => watch(&names, json, width.into()),
        Command::Cost { json } => cost(json),
        Command::Bench(arguments) => measure(&arguments),
        Command::Report { output, from, as_is } => report(output, from.as_deref(), as_is),
        Command::Sample { workload, contestant, threads, server } => {
            bench::run::sample_here(&workload, &contestant, threads, server)
        }
        Command::Experiment { name, runtime, asked_from } => {
            behaviours::experiment_here(&name, &runtime, &asked_from)
        }
        Command::Child { lesson, runtime, file_limit } => {
            child::run_here(&lesson, &runtime, file_limit)
        }
    };
    outcome.unwrap_or_else(|error| {
        if is_closed_pipe(&error) {
            // Nobody reads the rest, which is not run; what was wrong before that is wrong.
            return ExitCode::from(u8::from(WRONG.load(Relaxed)));
        }
        if error.is::<Interrupted>() {
            return interrupt::exit_code();
        }
        let _ = writeln!(io::stderr(), "compare: {error:#}");
        ExitCode::from(if error.is::<catalog::Unknown>() { 2 } else { 1 })
    })
}

/// Runs lessons on all runtimes, and keeps what came of it if it is all of them.
fn lessons(names: &[String], json: bool, timeout: Duration) -> anyhow::Result<ExitCode> {
    let lessons = catalog::find_all(names)?;
    interrupt::watch()?;
    let (start, machine) = (Instant::now(), Machine::look());
    let runs = child::run_all(&lessons, timeout, |run| {
        note(run.outcome.is_same());
        match json {
            true => Ok(writeln!(io::stdout(), "{}", serde_json::to_string(run)?)?),
            false => Ok(()),
        }
    })?;
    let seconds = start.elapsed().as_secs_f64();
    if !json {
        if !names.is_empty() {
            let width = usize::from(view::terminal_width()).min(100);
            write!(io::stdout(), "{}", view::timelines(&runs, width))?;
        }
        write!(io::stdout(), "{}", view::lessons_table(&runs))?;
        writeln!(io::stdout(), "{} in {seconds:.1} s", view::verdict(&runs))?;
    }
    if names.is_empty() {
        keep(report::LESSONS, &Kept::new(child::KIND, machine, runs));
    }
    Ok(ExitCode::from(u8::from(WRONG.load(Relaxed))))
}

/// Runs experiments on all runtimes, and keeps what was seen if it is all of them.
fn watch(names: &[String], json: bool, width: usize) -> anyhow::Result<ExitCode> {
    let chosen: Vec<&Behaviour> = match names {
        [] => behaviours::BEHAVIOURS.iter().collect(),
        names => names.iter().map(|name| behaviours::find(name)).collect::<Result<_, _>>()?,
    };
    interrupt::watch()?;
    let machine = Machine::look();
    let seen = behaviours::observe_all(&chosen, |behaviour, row| {
        for observation in row {
            note(observation.is_as_expected);
            if json {
                writeln!(io::stdout(), "{}", serde_json::to_string(observation)?)?;
            }
        }
        if !json {
            // As they come: all together take some seconds.
            write!(io::stdout(), "{}", view::behaviour(behaviour, row, width))?;
        }
        Ok(())
    })?;
    if !json {
        let verdict = if WRONG.load(Relaxed) { "Not all as expected." } else { "All as expected." };
        let count = if let [_] = chosen[..] {
            "1 question".into()
        } else {
            format!("{} questions", chosen.len())
        };
        writeln!(io::stdout(), "{count}. {verdict}")?;
    }
    if names.is_empty() {
        keep(report::BEHAVIOURS, &Kept::new(behaviours::KIND, machine, seen));
    }
    Ok(ExitCode::from(u8::from(WRONG.load(Relaxed))))
}

/// Keeps a result for the report. Who only wants to see it is not to fail where that cannot be done.
fn keep(name: &str, result: &impl serde::Serialize) {
    if let Err(error) = kept::save(result, &kept::folder().join(name)) {
        let _ = writeln!(io::stderr(), "compare: not kept for the report: {error:#}");
    }
}

/// What each runtime adds to a build, measured now, and kept.
fn cost(json: bool) -> anyhow::Result<ExitCode> {
    interrupt::watch()?;
    let machine = Machine::look();
    let costs = Kept::new(cost::KIND, machine, cost::measure()?);
    keep(report::COST, &costs);
    match json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&costs)?)),
        false => print(&view::cost_table(&costs.result)),
    }
}

/// Measures, keeps what was measured, and prints it.
fn measure(arguments: &BenchArguments) -> anyhow::Result<ExitCode> {
    if arguments.list {
        return print(&view::bench_list());
    }
    let workloads = bench::find(&arguments.only, arguments.quick)?;
    // Before anything is measured: it may be no file of ours.
    let kind = bench::run::KIND;
    let old: Option<Results> =
        arguments.against.as_deref().map(|file| kept::load(file, kind)).transpose()?;
    interrupt::watch()?;
    let plan = if arguments.quick { Plan::quick() } else { Plan::full() };
    let plan = Plan {
        threads: arguments.threads.map_or(plan.threads, usize::from),
        samples: arguments.samples.map_or(plan.samples, usize::from),
        ..plan
    };
    for warning in Machine::look().warnings() {
        let _ = writeln!(io::stderr(), "compare: {warning}");
    }
    let start = Instant::now();
    let results = bench::run::take(&plan, &workloads)?;
    let seconds = start.elapsed().as_secs_f64();
    if results.rows.iter().all(|row| row.samples.is_empty()) {
        // Interrupted in the first round: nothing to keep, and nothing to take the place of.
        return Err(Interrupted.into());
    }
    let is_whole = arguments.only.is_empty()
        && arguments.samples.is_none()
        && arguments.threads.is_none()
        && !interrupt::is_noted();
    // Less than a whole run never takes the place of one.
    let name = match (is_whole, arguments.quick) {
        (false, _) => report::BENCH_OTHER,
        (true, true) => report::BENCH_QUICK,
        (true, false) => report::BENCH,
    };
    let file = arguments.save.clone().unwrap_or_else(|| kept::folder().join(name));
    let saved = kept::save(&results, &file);
    write!(io::stdout(), "{}", view::bench(&results))?;
    if let Some(old) = &old {
        write!(io::stdout(), "{}", view::bench_against(&results, old))?;
    }
    // After the figures, which are not lost with it.
    saved?;
    let _ = writeln!(io::stderr(), "{seconds:.0} s; kept in {}", file.display());
    Ok(if interrupt::is_noted() { interrupt::exit_code() } else { ExitCode::SUCCESS })
}

/// Writes the page, from what was kept and what is measured now.
fn report(output: Option<PathBuf>, from: Option<&Path>, as_is: bool) -> anyhow::Result<ExitCode> {
    let own = kept::folder();
    let folder = from.unwrap_or(&own);
    if from.is_some() && !folder.is_dir() {
        anyhow::bail!("{}: there is no such folder of results", folder.display());
    }
    if let Some(output) = output.as_deref().filter(|output| output.is_dir()) {
        // Before anything is measured.
        anyhow::bail!("{}: it is a folder, and not a file to write to", output.display());
    }
    let mut report = Report::read(folder)?;
    if !as_is {
        interrupt::watch()?;
        report.complete(folder)?;
    }
    note(report.is_right());
    let page = view::page(&report)?;
    if output.as_deref() == Some(Path::new("-")) {
        io::stdout().write_all(page.as_bytes())?;
    } else {
        let output = output.unwrap_or_else(|| own.join("report.html"));
        kept::write(page.as_bytes(), &output)?;
        let _ = writeln!(io::stderr(), "{}", output.display());
    }
    Ok(ExitCode::from(u8::from(WRONG.load(Relaxed))))
}

fn code(name: &str, runtimes: &[String], width: usize, plain: bool) -> anyhow::Result<ExitCode> {
    let lesson: &Lesson = catalog::find(name)?;
    let named = runtimes.iter().map(|name| catalog::find_runtime(name));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    // Each once, in the order of the columns.
    let is_wanted = |runtime: &Runtime| named.is_empty() || named.contains(runtime);
    let runtimes: Vec<_> = Runtime::ALL.into_iter().filter(is_wanted).collect();
    let source = |runtime: &Runtime| view::Source {
        title: runtime.name(),
        text: lesson.column(*runtime).source,
    };
    let sources: Vec<_> = runtimes.iter().map(source).collect();
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = !plain && !no_colour && io::stdout().is_terminal();
    print(&view::code(&sources, width, colours)?)
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
