//! The seven lessons on Tokio, async-std and smol. This program runs them, prints their source code
//! in columns, and shows where the runtimes differ.
//!
//! Run with: `cargo run -p compare`, or `cargo run -p compare -- code hello`

#![cfg_attr(
    test,
    allow(dead_code, unused_imports, reason = "unit tests leave out what needs a runtime")
)]

mod align;
mod api;
#[cfg_attr(
    not(all(feature = "tokio", feature = "async-std", feature = "smol")),
    allow(
        dead_code,
        unused_imports,
        reason = "without some experiments, their helpers are unused"
    )
)]
mod behaviours;
#[cfg_attr(
    not(all(feature = "bench", any(feature = "tokio", feature = "async-std", feature = "smol"))),
    allow(dead_code, reason = "some workloads need a runtime, and some need the feature `bench`")
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
    allow(dead_code, reason = "without a runtime, no lesson records a span")
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

/// The seven lessons on Tokio, async-std and smol, side by side. Without a command, runs `lessons`.
#[derive(Parser)]
#[command(after_help = "Examples:
  compare                                run every lesson on every runtime
  compare lessons hello fetch --json
  compare code worker-pool
  compare code hello --runtime async-std,smol
  compare api
  compare behaviours
  compare behaviours dropped-handle
  compare cost
  cargo run --release -p compare -- bench --quick
  cargo run --release -p compare -- report -o compare.html

Exit status: 0 if every answer is correct, 1 if an answer is wrong or a command fails,\n2 for a usage error, 130 if interrupted (143 by SIGTERM, 129 by SIGHUP).")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run lessons on each runtime, with a separate process for each run, and compare the answers
    /// and the costs. If you name lessons, also draw their timelines.
    Lessons {
        /// The lessons to run [default: all seven].
        #[arg(value_name = "LESSON")]
        names: Vec<String>,
        /// Print one JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
        /// Kill a run that takes longer than this.
        #[arg(long, default_value = "10s", value_name = "TIME", value_parser = humantime::parse_duration)]
        timeout: Duration,
    },
    /// Print a lesson's three source files in columns, with each step on the same row.
    Code {
        /// The lesson to print.
        lesson: String,
        /// The columns to print, such as tokio,smol [default: all three].
        #[arg(long = "runtime", value_name = "NAME", value_delimiter = ',')]
        runtimes: Vec<String>,
        /// Print without colours, even on a terminal.
        #[arg(long)]
        plain: bool,
        /// The width of the output, in characters.
        #[arg(long, default_value_t = view::terminal_width(), value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(60..=1000))]
        width: u16,
    },
    /// Print the code for common operations, in asyncio and on each runtime.
    Api {
        /// The width of the output, in characters.
        #[arg(long, default_value_t = view::terminal_width(), value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(60..=1000))]
        width: u16,
    },
    /// Show where the runtimes differ, by running the same experiments on each of them.
    Behaviours {
        /// The names of the questions to ask [default: all].
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
        /// The width of the output, in characters.
        #[arg(long, default_value_t = view::terminal_width(), value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u16).range(60..=1000))]
        width: u16,
    },
    /// Build this program without a runtime and with each runtime alone, and print what each
    /// runtime adds. This takes several minutes.
    Cost {
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure the same work on each runtime, in a new process for every sample.
    Bench(BenchArguments),
    /// Write all results to one HTML page. Earlier results are read from target/compare, and
    /// missing results are measured first, with a quick run.
    Report {
        /// The file to write, or - for stdout [default: target/compare/report.html].
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The folder to read results from [default: target/compare].
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
        /// Measure nothing, and mark missing results as not measured.
        #[arg(long)]
        as_is: bool,
    },
    /// Run a lesson in this process. This command is internal: `compare lessons` runs it in a child
    /// process, passes the input on stdin, and reads the answer and the figures from stdout.
    #[command(hide = true)]
    Child {
        lesson: String,
        runtime: String,
        /// Limit the size of every file to this many bytes, to simulate a full disk.
        #[arg(long)]
        file_limit: Option<u64>,
    },
    /// Take one sample of a bench. This command is internal: `compare bench` runs it in a child
    /// process for each sample.
    #[command(hide = true)]
    Sample {
        workload: String,
        contestant: String,
        #[arg(long)]
        threads: Option<usize>,
        #[arg(long)]
        server: SocketAddr,
    },
    /// Run one experiment. This command is internal: `compare behaviours` runs it in a child
    /// process for each experiment.
    #[command(hide = true)]
    Experiment { name: String, runtime: String, asked_from: String },
}

/// An allocator that counts allocations. It is behind the feature `allocations`, because counting
/// takes time, and the benches would measure that time, too.
#[cfg(feature = "allocations")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

#[derive(clap::Args)]
struct BenchArguments {
    /// Measure seven of the workloads with 7 samples each, in less than a minute.
    #[arg(long)]
    quick: bool,
    /// The workloads to measure, such as yield,ping-pong [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Print what each workload measures and which result we expect, and measure nothing.
    #[arg(long)]
    list: bool,
    /// The number of samples for each contestant [default: 30, or 7 with --quick].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1000))]
    samples: Option<u16>,
    /// The number of worker threads for each runtime [default: one per core]. Without --quick, a
    /// runtime with a different default is also measured with its default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    threads: Option<u16>,
    /// The file to save the results in [default: in target/compare, bench.json or bench-quick.json
    /// for a complete run, and bench-other.json for any other run].
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare with the results of an earlier run, which are read from this file.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// Whether any answer so far was wrong or unexpected. If so, the exit status is 1.
static WRONG: AtomicBool = AtomicBool::new(false);

fn note(is_right: bool) {
    WRONG.fetch_or(!is_right, Relaxed);
}

/// Reads the command line and runs the command that it names.
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
            // The reader has closed our stdout, so we stop. The exit status still reports a wrong
            // answer that we have already seen.
            return ExitCode::from(u8::from(WRONG.load(Relaxed)));
        }
        if error.is::<Interrupted>() {
            return interrupt::exit_code();
        }
        let _ = writeln!(io::stderr(), "compare: {error:#}");
        ExitCode::from(if error.is::<catalog::Unknown>() { 2 } else { 1 })
    })
}

/// Runs lessons on all runtimes. A run of all lessons is also saved for the report.
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

/// Runs experiments on all runtimes. A run of all experiments is also saved for the report.
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
            // Print each answer as soon as we have it, because all experiments together take
            // several seconds.
            write!(io::stdout(), "{}", view::behaviour(behaviour, row, width))?;
        }
        Ok(())
    })?;
    if !json {
        let count = if let [_] = chosen[..] {
            "1 question".into()
        } else {
            format!("{} questions", chosen.len())
        };
        let verdict = match WRONG.load(Relaxed) {
            false => "every answer was as expected",
            true => "not every answer was as expected",
        };
        writeln!(io::stdout(), "{count}: {verdict}.")?;
    }
    if names.is_empty() {
        keep(report::BEHAVIOURS, &Kept::new(behaviours::KIND, machine, seen));
    }
    Ok(ExitCode::from(u8::from(WRONG.load(Relaxed))))
}

/// Saves a result for the report. If that fails, prints a warning and continues, because the user
/// asked to see the result, not to save it.
fn keep(name: &str, result: &impl serde::Serialize) {
    if let Err(error) = kept::save(result, &kept::folder().join(name)) {
        let _ = writeln!(io::stderr(), "compare: cannot save the result for the report: {error:#}");
    }
}

/// Measures what each runtime adds to a build, saves the result, and prints it.
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

/// Takes the samples of the benches, saves them, and prints the figures.
fn measure(arguments: &BenchArguments) -> anyhow::Result<ExitCode> {
    if arguments.list {
        return print(&view::bench_list());
    }
    let workloads = bench::find(&arguments.only, arguments.quick)?;
    // Read the earlier results before measuring anything. If the file is invalid, the user finds
    // out immediately, and not only after all samples have been taken.
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
        // The run was interrupted during its first round, so it has no samples. Saving it would
        // only overwrite the results of an earlier run.
        return Err(Interrupted.into());
    }
    let is_whole = arguments.only.is_empty()
        && arguments.samples.is_none()
        && arguments.threads.is_none()
        && !interrupt::is_noted();
    // A partial run must never replace a complete one.
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
    // If saving failed, report that only after the figures are printed, so that the figures are not
    // lost.
    saved?;
    let _ =
        writeln!(io::stderr(), "took {seconds:.0} s; the results are saved in {}", file.display());
    Ok(if interrupt::is_noted() { interrupt::exit_code() } else { ExitCode::SUCCESS })
}

/// Writes the page from saved results. Unless `as_is` is set, measures missing results first.
fn report(output: Option<PathBuf>, from: Option<&Path>, as_is: bool) -> anyhow::Result<ExitCode> {
    let own = kept::folder();
    let folder = from.unwrap_or(&own);
    if from.is_some() && !folder.is_dir() {
        anyhow::bail!("{}: --from must name an existing folder", folder.display());
    }
    if let Some(output) = output.as_deref().filter(|output| output.is_dir()) {
        // Check this first, because measuring the missing results takes a while.
        anyhow::bail!("{}: --output must name a file, not a folder", output.display());
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
    // Print each column once, and always in the same order, regardless of the order on the command
    // line.
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
