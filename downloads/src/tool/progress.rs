//! What the user sees: a bar per running file on a terminal, a line per finished file elsewhere.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use downloads::{Download, Event};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows events as they come. Bars go to stderr, results to stdout.
pub struct Progress<'a> {
    plan: &'a [Download],
    bars: Option<MultiProgress>,
    rows: Vec<Row>,
    start: Instant,
    one_after_another: Cell<Duration>,
    output: Cell<io::Result<()>>,
}

/// What is shown of one file.
struct Row {
    bar: ProgressBar,
    since: Cell<Instant>,
}

impl<'a> Progress<'a> {
    /// Nothing is shown before the first event.
    pub fn new(plan: &'a [Download]) -> Self {
        let bars = io::stderr().is_terminal().then(MultiProgress::new);
        let start = Instant::now();
        let row = || Row { bar: ProgressBar::hidden(), since: Cell::new(start) };
        Self {
            plan,
            bars,
            rows: plan.iter().map(|_| row()).collect(),
            start,
            one_after_another: Cell::default(),
            output: Cell::new(Ok(())),
        }
    }

    /// Shows what has happened to the file at this place of the plan.
    pub fn show(&self, place: usize, event: Event<'_>) {
        let row = &self.rows[place];
        match event {
            Event::Started => {
                row.since.set(Instant::now());
                if let Some(bars) = &self.bars {
                    row.bar.set_style(style());
                    row.bar.set_message(self.name(place));
                    bars.add(row.bar.clone());
                }
            }
            Event::Received(so_far, total) => {
                if let Some(total) = total {
                    row.bar.set_length(total);
                }
                row.bar.set_position(so_far);
            }
            Event::Ended(result) => {
                row.bar.finish_and_clear();
                let took = row.since.get().elapsed();
                self.one_after_another.set(self.one_after_another.get() + took);
                if let Ok(bytes) = result {
                    let took = took.as_secs_f64();
                    self.line(&format!(
                        "saved {} ({bytes} bytes in {took:.2} s)",
                        self.name(place)
                    ));
                }
            }
        }
    }

    /// The last line, and whether all lines could be printed.
    pub fn finish(self) -> io::Result<()> {
        let together = self.start.elapsed().as_secs_f64();
        let apart = self.one_after_another.get().as_secs_f64();
        let _ = writeln!(io::stderr(), "{together:.2} s together; one after another {apart:.2} s");
        self.output.into_inner()
    }

    fn name(&self, place: usize) -> String {
        self.plan[place].path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Prints a line between the bars. An error, such as a closed pipe, is kept for the end: the
    /// files are worth having even if nobody reads about them.
    fn line(&self, text: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        let print = || writeln!(io::stdout(), "{seconds:6.2} s  {text}");
        let printed = match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        };
        if printed.is_err() {
            self.output.set(printed);
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {bytes:>10} of {total_bytes:>10}  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
