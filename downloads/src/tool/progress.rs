//! Shows a line for each finished file and, on a terminal, a bar for each running download.

use std::cell::{Cell, RefCell};
use std::env;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

use downloads::error::hex;
use downloads::{Download, DownloadError, Event, Outcome, Saved, url};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::printable::{printable, printable_json};

/// The largest number of bars to show, in addition to the bar for all files.
const MOST_BARS: usize = 8;

/// How to print results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line for people to read.
    Lines,
    /// One JSON object per line.
    Json,
}

/// Shows events as they happen: bars and failures on stderr, results on stdout. A separate thread
/// prints them, because writing to a pipe that nobody reads blocks.
pub struct Progress<'a> {
    plan: &'a [Download],
    format: Format,
    bars: Option<Bars>,
    rows: RefCell<Vec<Row>>,
    start: Instant,
    totals: Cell<Totals>,
    lines: mpsc::UnboundedSender<Line>,
    /// The sender is dropped at the end, so that the thread does not wait for more lines.
    ends: std::sync::mpsc::Sender<()>,
    /// Receives the printing thread's result when that thread ends.
    printed: oneshot::Receiver<io::Result<()>>,
}

/// The state of one file's download.
#[derive(Clone)]
struct Row {
    since: Option<Instant>,
    attempts: u32,
    bytes: u64,
    bar: Option<ProgressBar>,
}

/// The totals of all files.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    saved: u64,
    kept: u64,
    failed: u64,
    bytes: u64,
    /// The sum of the times that the files took, in seconds.
    seconds: f64,
}

struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    shown: Cell<usize>,
}

enum Line {
    Out(String),
    Err(String),
}

/// One line of JSON. Unknown values are `null`.
#[derive(Serialize, Default)]
struct Record {
    url: String,
    file: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
    seconds: f64,
    resumed_from: Option<u64>,
    attempts: u32,
    kept: bool,
    error: Option<String>,
}

impl<'a> Progress<'a> {
    /// Starts to show the progress of these downloads.
    ///
    /// # Errors
    /// Fails if the system does not allow another thread.
    pub fn new(plan: &'a [Download], format: Format) -> io::Result<Self> {
        // A terminal without cursor movements (`TERM=dumb`) cannot show bars.
        let has_bars =
            io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|t| t != "dumb");
        let bars = has_bars.then(|| Bars::new(plan.len()));
        let (lines, to_print) = mpsc::unbounded_channel();
        let (at_its_end, printed) = oneshot::channel();
        let (ends, the_end) = std::sync::mpsc::channel();
        let terminal = bars.as_ref().map(|bars| bars.all.clone());
        // We do not use one of the runtime's threads, because the runtime waits for its threads
        // when it shuts down.
        let print = || at_its_end.send(print_all(to_print, terminal, the_end));
        let cannot =
            |error| io::Error::other(format!("cannot start a thread: {error}; see `ulimit -a`"));
        thread::Builder::new().spawn(print).map_err(cannot)?;
        let row = Row { since: None, attempts: 1, bytes: 0, bar: None };
        Ok(Self {
            plan,
            format,
            bars,
            rows: RefCell::new(vec![row; plan.len()]),
            start: Instant::now(),
            totals: Cell::default(),
            lines,
            ends,
            printed,
        })
    }

    /// Shows an event of the file with this index in the plan.
    pub fn show(&self, place: usize, event: Event<'_>) {
        let row = &mut self.rows.borrow_mut()[place];
        match event {
            Event::Started => {
                row.since = Some(Instant::now());
                row.bar = self.bars.as_ref().and_then(|bars| bars.begin(self.name(place)));
            }
            Event::Received(so_far, total) => {
                if let Some(bars) = &self.bars {
                    bars.total.inc(so_far.saturating_sub(row.bytes));
                }
                row.bytes = so_far;
                if let Some(bar) = &row.bar {
                    bar.set_length(total.unwrap_or(so_far));
                    bar.set_position(so_far);
                }
            }
            Event::Waiting(part) => {
                let (shown, part) = (self.shown(place), part.display());
                let line = format!("{shown}: waiting for another download, which uses {part}");
                self.say(Line::Err(line));
            }
            Event::Retrying(error, pause) => {
                row.attempts += 1;
                let (shown, pause) = (self.shown(place), pause.as_secs_f64());
                self.say(Line::Err(format!("{shown}: {error}; retrying in {pause:.1} s")));
            }
            Event::Ended(result) => {
                if let Some(bars) = &self.bars {
                    bars.end(row.bar.take());
                }
                let seconds = row.since.map_or(0.0, |since| since.elapsed().as_secs_f64());
                self.count(result, seconds);
                self.result(place, result, seconds, row.attempts);
            }
        }
    }

    /// Prints the summary, and waits until all lines are printed.
    ///
    /// # Errors
    /// Returns the error of writing to stdout, such as a closed pipe.
    pub async fn finish(self) -> io::Result<()> {
        let Totals { saved, kept, failed, bytes, seconds } = self.totals.get();
        let together = self.start.elapsed().as_secs_f64();
        let mut line = format!("{saved} saved ({bytes} bytes), {failed} failed");
        if kept > 0 {
            line.push_str(&format!(", {kept} kept"));
        }
        line.push_str(&format!("; {together:.2} s concurrently, {seconds:.2} s one after another"));
        self.say(Line::Err(line));
        if let Some(bars) = self.bars {
            bars.total.finish_and_clear();
        }
        drop((self.lines, self.ends));
        self.printed.await.map_err(io::Error::other).flatten()
    }

    fn count(&self, result: &Result<Outcome, DownloadError>, seconds: f64) {
        let mut totals = self.totals.get();
        totals.seconds += seconds;
        match result {
            Ok(Outcome::Saved(saved)) => {
                totals.saved += 1;
                totals.bytes += saved.bytes;
            }
            Ok(Outcome::Kept(_)) => totals.kept += 1,
            Err(_) => totals.failed += 1,
        }
        self.totals.set(totals);
    }

    fn result(
        &self,
        place: usize,
        result: &Result<Outcome, DownloadError>,
        seconds: f64,
        attempts: u32,
    ) {
        let shown = self.shown(place);
        let note = match result {
            Err(error) => Some(error.to_string()),
            Ok(Outcome::Kept(path)) => {
                let path = path.display();
                Some(format!("kept {path}, which already exists; nothing was downloaded"))
            }
            Ok(Outcome::Saved(Saved { is_guarded: false, path, .. })) => Some(format!(
                "saved, but this file system cannot guarantee that no other file was replaced, if one appeared as {} at the last moment",
                path.display()
            )),
            Ok(Outcome::Saved(_)) => None,
        };
        if let Some(note) = note {
            self.say(Line::Err(format!("{shown}: {note}")));
        }
        let line = match self.format {
            Format::Json => Some(printable_json(&self.record(place, result, seconds, attempts))),
            Format::Lines => self.line(result, seconds).map(|line| printable(&line)),
        };
        if let Some(line) = line {
            self.say(Line::Out(line));
        }
    }

    fn line(&self, result: &Result<Outcome, DownloadError>, seconds: f64) -> Option<String> {
        let now = self.start.elapsed().as_secs_f64();
        let name = |path: &std::path::Path| {
            path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        };
        let what = match result {
            Ok(Outcome::Saved(Saved { path, bytes, sha256, resumed_from, .. })) => {
                let mut line = format!("saved {} ({bytes} bytes in {seconds:.2} s", name(path));
                if let Some(sum) = sha256 {
                    line.push_str(&format!(", sha256 {}", hex(sum)));
                }
                if *resumed_from > 0 {
                    line.push_str(&format!(", resumed from {resumed_from}"));
                }
                line + ")"
            }
            Ok(Outcome::Kept(_)) | Err(_) => return None, // stderr says so
        };
        Some(format!("{now:6.2} s  {what}"))
    }

    fn record(
        &self,
        place: usize,
        result: &Result<Outcome, DownloadError>,
        seconds: f64,
        attempts: u32,
    ) -> String {
        let mut record = Record { url: self.shown(place), seconds, attempts, ..Record::default() };
        match result {
            Ok(Outcome::Saved(saved)) => {
                record.file = Some(saved.path.to_string_lossy().into_owned());
                record.bytes = Some(saved.bytes);
                record.sha256 = saved.sha256.as_ref().map(|sum| hex(sum));
                record.resumed_from = Some(saved.resumed_from);
            }
            Ok(Outcome::Kept(path)) => {
                record.file = Some(path.to_string_lossy().into_owned());
                record.kept = true;
            }
            Err(error) => record.error = Some(error.to_string()),
        }
        serde_json::to_string(&record).unwrap_or_default()
    }

    fn name(&self, place: usize) -> String {
        self.plan[place].path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn shown(&self, place: usize) -> String {
        url::without_credentials(&self.plan[place].url)
    }

    fn say(&self, line: Line) {
        // This fails only if the thread that prints has panicked. The files are still worth
        // downloading.
        let _ = self.lines.send(line);
    }
}

impl Bars {
    fn new(files: usize) -> Self {
        let all = MultiProgress::new();
        let total = ProgressBar::no_length();
        total.set_style(style(&format!("{{bytes:>10}} at {{bytes_per_sec}}  {files} files")));
        let total = all.add(total);
        Self { all, total, shown: Cell::new(0) }
    }

    /// Adds a bar for one more file, if there is room for it.
    fn begin(&self, name: String) -> Option<ProgressBar> {
        if self.shown.get() == MOST_BARS {
            return None;
        }
        self.shown.set(self.shown.get() + 1);
        let bar = ProgressBar::no_length();
        bar.set_style(style("{bar:30} {bytes:>10} of {total_bytes:>10}  {msg}"));
        bar.set_message(printable(&name));
        Some(self.all.insert_before(&self.total, bar))
    }

    fn end(&self, bar: Option<ProgressBar>) {
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.all.remove(&bar);
            self.shown.set(self.shown.get() - 1);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Prints lines as they arrive, above the bars if there are any. At the end, returns the first
/// error of writing to stdout. After such an error, lines for stderr are still printed.
fn print_all(
    mut lines: mpsc::UnboundedReceiver<Line>,
    terminal: Option<MultiProgress>,
    the_end: std::sync::mpsc::Receiver<()>,
) -> io::Result<()> {
    let (mut printed, mut batch) = (Ok(()), Vec::new());
    while lines.blocking_recv_many(&mut batch, 1024) > 0 {
        let (mut out, mut err) = (String::new(), String::new());
        for line in batch.drain(..) {
            match line {
                Line::Out(line) => out += &(line + "\n"),
                Line::Err(line) => err += &format!("downloads: {}\n", printable(&line)),
            }
        }
        let mut print = || {
            if printed.is_ok() {
                printed = io::stdout().write_all(out.as_bytes());
            }
            // If stderr is closed, there is no other place to report that.
            let _ = io::stderr().write_all(err.as_bytes());
        };
        match &terminal {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
        // Printing fifty times a second is often enough for a reader, and lets us print several
        // lines together.
        let _ = the_end.recv_timeout(Duration::from_millis(20));
    }
    printed
}
