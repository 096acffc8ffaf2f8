//! Checks a lesson's exercise step by step, and tells the learner what to do next. All seven
//! lessons use this file.
//!
//! Each step has a check, which returns `Ok`, or a text that says what it saw and what it expected.
//! Each check runs on its own thread, and a watchdog waits for it. If a solution never ends, the
//! watchdog gives up after ten seconds, and reports whether the solution is busy, blocked or
//! asleep.
#![allow(dead_code, reason = "not every lesson uses all of this file")]

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, panic, thread};

use tokio::runtime::Builder;

/// A lesson's exercise.
pub struct Exercise<'a> {
    /// The name of the lesson's package.
    pub lesson: &'static str,
    /// The folder of that package.
    pub folder: &'static str,
    /// The contents of `exercise.rs` before the learner has changed it.
    pub stub: &'static str,
    /// The steps, in the order in which a learner should take them.
    pub steps: &'a [Step],
}

/// One step of an exercise: ten to twenty minutes of work.
pub struct Step {
    /// What the solution does after this step, as a line in a list.
    pub does: &'static str,
    /// What the learner should do. Shown until the learner has begun this step.
    pub task: &'static str,
    /// Checks the solution. If it fails, returns what the check saw and what it expected.
    pub check: fn() -> Seen,
    /// The hints. Each gives away more than the one before it, except the last, which names the
    /// README section that explains the idea.
    pub hints: &'static [&'static str],
}

/// The result of a check: `Ok`, or a description of what was seen and what was expected.
pub type Seen = Result<(), String>;

/// How a check ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The solution does what the step asks for.
    Passed,
    /// The solution does something else.
    Failed(String),
    /// The learner has not begun this step: the solution reached a `todo!`.
    NotBegun,
    /// The solution panicked.
    Panicked(String),
    /// The check did not end before the watchdog gave up.
    Stuck(Stuck),
}

/// What a check was doing when the watchdog gave up on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// The check was keeping a processor busy.
    Busy,
    /// The runtime's thread was blocked inside a poll.
    Blocked,
    /// All tasks were waiting, and nothing woke them.
    Asleep,
}

/// The maximum time for a check. The checks run on a paused clock, or take a few seconds at most,
/// so even a busy machine needs less.
const LONGEST: Duration = Duration::from_secs(10);

/// How many times the check's runtime has parked its thread, and how many times the thread has
/// woken up again.
static PARKED: AtomicU64 = AtomicU64::new(0);
static UNPARKED: AtomicU64 = AtomicU64::new(0);

/// The location and the message of the first panic in the current check.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs a check on Tokio's paused clock, which jumps ahead whenever all tasks are waiting. A check
/// that would wait forever fails after a day on that clock.
pub fn on_the_paused_clock(check: impl Future<Output = Seen>) -> Seen {
    let day = Duration::from_secs(24 * 3600);
    let late = "after a day on the paused clock, the check was still waiting: a task is waiting \
                for something that never happens";
    let (start, used) = (Instant::now(), processor_time());
    let seen = run_on(Builder::new_current_thread().start_paused(true), async {
        tokio::time::timeout(day, check).await.unwrap_or_else(|_| Err(late.into()))
    });
    // On the paused clock, waiting takes no real time. If real time has passed without using the
    // processor, something has blocked the thread.
    let used = processor_time().zip(used).map(|(after, before)| after.saturating_sub(before));
    let blocked = used.map_or(Duration::ZERO, |used| start.elapsed().saturating_sub(used));
    seen.map_err(|seen| match blocked > Duration::from_millis(900) {
        true => format!(
            "{seen}\nDuring the check, {:.1} s of real time passed in which nothing ran. Does a \
             call block the thread, such as `std::thread::sleep`?",
            blocked.as_secs_f64()
        ),
        false => seen,
    })
}

/// Runs a check on the real clock and on one thread. The check may use sockets and files.
pub fn on_the_real_clock(check: impl Future<Output = Seen>) -> Seen {
    run_on(&mut Builder::new_current_thread(), check)
}

fn run_on(builder: &mut Builder, check: impl Future<Output = Seen>) -> Seen {
    let parks = || _ = PARKED.fetch_add(1, SeqCst);
    let unparks = || _ = UNPARKED.fetch_add(1, SeqCst);
    let runtime = builder.enable_all().on_thread_park(parks).on_thread_unpark(unparks).build();
    runtime.map_err(|error| error.to_string())?.block_on(check)
}

/// Runs a check, and gives up on it after [`LONGEST`].
pub fn judge(check: fn() -> Seen) -> Verdict {
    judge_within(check, LONGEST)
}

/// Runs a check. If it takes longer than `limit`, finds out what it is doing, and leaves its thread
/// running, because a thread cannot be stopped from outside.
pub fn judge_within(check: fn() -> Seen, limit: Duration) -> Verdict {
    PARKED.store(0, SeqCst);
    UNPARKED.store(0, SeqCst);
    let before = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{place}: ")).unwrap_or_default();
        let message = format!("{place}{}", info.payload_as_str().unwrap_or("a panic"));
        // Keep the first panic: it probably caused the others.
        PANIC.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
    }));
    let (result, results) = mpsc::channel();
    thread::spawn(move || {
        let seen = panic::catch_unwind(check);
        let _ = result.send(seen);
    });
    let ended = results.recv_timeout(limit);
    let stuck = ended.is_err().then(what_it_does);
    panic::set_hook(before);
    let message = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (ended, message) {
        (Ok(Ok(Ok(()))), _) => Verdict::Passed,
        (_, Some(message)) if message.contains(": not yet implemented") => Verdict::NotBegun,
        (Ok(Ok(Err(seen))), _) => Verdict::Failed(seen),
        (Ok(Err(_)), message) => Verdict::Panicked(message.unwrap_or_default()),
        (Err(_), _) => Verdict::Stuck(stuck.unwrap_or(Stuck::Asleep)),
    }
}

/// Watches the process for half a second, and returns what the check is doing.
fn what_it_does() -> Stuck {
    let moment = Duration::from_millis(500);
    let before = processor_time();
    thread::sleep(moment);
    let used = processor_time().zip(before).map(|(after, before)| after.saturating_sub(before));
    if used.is_some_and(|used| used > moment / 2) {
        return Stuck::Busy;
    }
    if PARKED.load(SeqCst) > UNPARKED.load(SeqCst) { Stuck::Asleep } else { Stuck::Blocked }
}

/// Returns the processor time that this process has used, or `None` on systems other than Linux,
/// which don't have `/proc/self/stat`.
fn processor_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses. It may contain spaces, so skip past
    // it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

impl Stuck {
    /// Explains to the learner what the check was doing, and lists common causes.
    fn explain(self) -> &'static str {
        match self {
            Self::Busy => {
                "The check did not end, and kept a processor busy. Does a loop ask again and again \
                 whether something has happened, perhaps with `yield_now`? Then the runtime is \
                 never idle, and a paused clock only advances when the runtime is idle. Wait for \
                 what you need instead: for a point in time with `sleep_until`, for a message with \
                 a channel, or for a signal with `Notify`."
            }
            Self::Blocked => {
                "The check did not end, and a thread is blocked in the middle of a poll. Is there \
                 a call that waits without `.await`, such as `std::thread::sleep`, \
                 `blocking_recv`, or locking a `std::sync::Mutex` that is already locked? While such a call blocks, \
                 no other task on this thread can continue, perhaps not even the task that the \
                 call is waiting for."
            }
            Self::Asleep => {
                "The check did not end: all tasks are waiting, and nothing wakes them. Does a task \
                 wait for a channel to close while a sender is still alive, for a permit or a lock \
                 that is never released, or for a notification that was sent before the task \
                 started to wait?"
            }
        }
    }
}

/// Runs an exercise's test program. The command-line arguments name the command, if there is one.
pub fn main(exercise: &Exercise<'_>) -> ExitCode {
    let words: Vec<_> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => exercise.show(),
        ["hint"] => exercise.hint(),
        ["solution"] => exercise.solution(),
        ["reset"] => exercise.reset(),
        ["watch"] => exercise.watch(),
        ["progress"] => exercise.progress(),
        _ => {
            println!(
                "`{}` is not a command. The commands are hint, solution, reset and watch. Without \
                 a command, the steps are checked.",
                words.join(" ")
            );
            Ok(ExitCode::from(2))
        }
    };
    // A check that never ended still has a running thread. We don't join it, so it cannot keep the
    // program alive.
    result.unwrap_or_else(|error| {
        println!("{}: {error}", exercise.lesson);
        ExitCode::FAILURE
    })
}

impl Exercise<'_> {
    /// Checks the steps up to the first one that fails, prints the screen, and saves the progress.
    fn show(&self) -> io::Result<ExitCode> {
        let (passed, verdict) = self.run();
        self.keep(passed, 0)?;
        let colours = io::stdout().is_terminal();
        print!("{}", self.screen(passed, verdict.as_ref(), colours));
        Ok(if verdict.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Checks the steps in order. Returns how many passed, and the verdict on the first that did
    /// not.
    fn run(&self) -> (usize, Option<Verdict>) {
        for (passed, step) in self.steps.iter().enumerate() {
            match judge(step.check) {
                Verdict::Passed => {}
                verdict => return (passed, Some(verdict)),
            }
        }
        (self.steps.len(), None)
    }

    /// Returns the text of the screen. `verdict` is the verdict on the first step that does not
    /// pass.
    pub fn screen(&self, passed: usize, verdict: Option<&Verdict>, colours: bool) -> String {
        // Use colours and symbols on a terminal, and plain characters in a file or a pipe.
        let mark = |colour: &str, symbol: &str, plain: &str| match colours {
            true => format!("\u{1b}[{colour}m{symbol}\u{1b}[0m"),
            false => plain.to_owned(),
        };
        let Self { lesson, steps, .. } = self;
        let mut title = match verdict {
            Some(_) => format!("{lesson}, step {} of {}", passed + 1, steps.len()),
            None => format!("{lesson}: all {} steps done", steps.len()),
        };
        let file = format!("{lesson}/exercise.rs");
        let _ = write!(title, "{file:>0$}", 78_usize.saturating_sub(title.len()));
        let mut screen = format!("\n{title}\n\n");
        for (place, step) in steps.iter().enumerate() {
            let number = place + 1;
            let _ = match (place.cmp(&passed), verdict) {
                (std::cmp::Ordering::Less, _) => {
                    writeln!(screen, "  {} {number}  {}", mark("32", "✔", "+"), step.does)
                }
                (std::cmp::Ordering::Equal, Some(verdict)) => {
                    let mark = match verdict {
                        Verdict::NotBegun => mark("33", "▸", ">"),
                        _ => mark("31", "✘", "x"),
                    };
                    let _ = writeln!(screen, "  {mark} {number}  {}", step.does);
                    writeln!(screen, "{}", indented(&explain(step, verdict)))
                }
                _ => writeln!(screen, "    {number}  {}", step.does),
            };
        }
        let _ = match verdict {
            Some(_) => writeln!(
                screen,
                "\nNext: step {}. A hint: cargo exercise {lesson} hint",
                passed + 1
            ),
            None => writeln!(
                screen,
                "\nAll steps pass. Compare yours with ours: {lesson}/solution.rs, and then {lesson}/src."
            ),
        };
        screen
    }

    /// Shows the next hint for the first step that does not pass.
    fn hint(&self) -> io::Result<ExitCode> {
        let (passed, verdict) = self.run();
        let Some(step) = verdict.and(self.steps.get(passed)) else {
            println!("{}: all steps pass, so there are no more hints.", self.lesson);
            return Ok(ExitCode::SUCCESS);
        };
        let shown = match self.kept() {
            (before, shown) if before == passed => shown,
            _ => 0,
        };
        let place = shown.min(step.hints.len().saturating_sub(1));
        println!("\n{}, step {}: {}\n", self.lesson, passed + 1, step.does);
        println!("{}", indented(step.hints.get(place).unwrap_or(&step.task)));
        let left = step.hints.len().saturating_sub(place + 1);
        match left {
            0 => {
                println!(
                    "\nThis is the last hint. Our solution: cargo exercise {} solution",
                    self.lesson
                )
            }
            _ => println!("\nHints left for this step: {left}"),
        }
        self.keep(passed, place + 1)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints where our solution is.
    fn solution(&self) -> io::Result<ExitCode> {
        println!(
            "Our solution is in {0}/solution.rs. The lesson itself, in {0}/src, does more.",
            self.lesson
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Restores the original `exercise.rs`, after asking for confirmation.
    fn reset(&self) -> io::Result<ExitCode> {
        let file = Path::new(self.folder).join("exercise.rs");
        print!(
            "This replaces {}/exercise.rs and deletes your work in it. Type yes to continue: ",
            self.lesson
        );
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            println!("\nNothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
        fs::write(file, self.stub)?;
        self.keep(0, 0)?;
        println!("{}/exercise.rs has been reset.", self.lesson);
        Ok(ExitCode::SUCCESS)
    }

    /// Checks the steps again whenever `exercise.rs` is saved, until the learner presses Ctrl-C.
    fn watch(&self) -> io::Result<ExitCode> {
        if cfg!(windows) {
            println!(
                "`watch` does not work on Windows, because Windows does not let cargo replace a \
                 program that is running. Run `cargo exercise {}` after each change instead.",
                self.lesson
            );
            return Ok(ExitCode::from(2));
        }
        let file = Path::new(self.folder).join("exercise.rs");
        let mut seen: Option<SystemTime> = None;
        loop {
            let saved = fs::metadata(&file)?.modified()?;
            if seen != Some(saved) {
                seen = Some(saved);
                if io::stdout().is_terminal() {
                    print!("\u{1b}[2J\u{1b}[H");
                    io::stdout().flush()?;
                }
                let arguments = ["test", "--quiet", "-p", self.lesson, "--test", "exercise"];
                // Ignore the exit status: the inner run has already printed what failed.
                let _ = Command::new(env!("CARGO")).args(arguments).status()?;
                println!("Waiting for changes to {}/exercise.rs. Ctrl-C to stop.", self.lesson);
            }
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Prints one line with the number of steps that pass, and the next step.
    fn progress(&self) -> io::Result<ExitCode> {
        let (passed, verdict) = self.run();
        let (before, shown) = self.kept();
        self.keep(passed, if before == passed { shown } else { 0 })?;
        let all = self.steps.len();
        let bar: String = (0..all).map(|place| if place < passed { '█' } else { '·' }).collect();
        let next = match verdict.and(self.steps.get(passed)) {
            Some(step) => format!("next: {}", step.does),
            None => "done".into(),
        };
        println!("{:14}{bar:8}{passed} of {all}  {next}", self.lesson);
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the path of the progress file. It records how many steps passed in the last run, and
    /// how many hints the learner has seen for the next step.
    fn file(&self) -> PathBuf {
        // This program is target/debug/deps/exercise-HASH.
        let target = env::current_exe().ok().and_then(|exe| Some(exe.ancestors().nth(3)?.into()));
        target.unwrap_or_else(|| PathBuf::from("target")).join("exercise").join(self.lesson)
    }

    fn keep(&self, passed: usize, hints: usize) -> io::Result<()> {
        let file = self.file();
        file.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(file, format!("{passed} of {} steps, {hints} hints\n", self.steps.len()))
    }

    fn kept(&self) -> (usize, usize) {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        let mut numbers = text.split(' ').filter_map(|word| word.parse().ok());
        let [passed, _, hints] = [(); 3].map(|()| numbers.next().unwrap_or(0));
        (passed, hints)
    }
}

/// Explains why a step does not pass.
fn explain(step: &Step, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => String::new(),
        Verdict::NotBegun => step.task.into(),
        Verdict::Failed(seen) => seen.clone(),
        Verdict::Panicked(message) => format!("Your code panicked at {message}"),
        Verdict::Stuck(stuck) => stuck.explain().into(),
    }
}

/// Wraps paragraphs at 78 columns, including an indentation of seven. A line that begins with a
/// space is not wrapped.
fn indented(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') || line.is_empty() {
            lines.push(line.into());
            continue;
        }
        let mut wrapped = String::new();
        for word in line.split_whitespace() {
            if !wrapped.is_empty() && wrapped.chars().count() + 1 + word.chars().count() > 71 {
                lines.push(std::mem::take(&mut wrapped));
            }
            if !wrapped.is_empty() {
                wrapped.push(' ');
            }
            wrapped.push_str(word);
        }
        lines.push(wrapped);
    }
    lines.iter().map(|line| format!("       {line}\n")).collect::<String>().trim_end().to_owned()
}

/// Draws times as dots on a line, such as `0.00 ─●───●──`. The line reaches from zero to the latest
/// time.
pub fn moments(seconds: &[f64]) -> String {
    const COLUMNS: usize = 50;
    let last = seconds.iter().copied().fold(f64::EPSILON, f64::max);
    let mut line = vec!['─'; COLUMNS + 1];
    for moment in seconds {
        line[(moment / last * COLUMNS as f64).round() as usize] = '●';
    }
    format!("  0.00 {} {last:.2} s", line.into_iter().collect::<String>())
}

/// Formats times in seconds as `0.00, 0.90 and 1.05 s`.
pub fn list(seconds: &[f64]) -> String {
    let texts: Vec<_> = seconds.iter().map(|second| format!("{second:.2}")).collect();
    match texts.split_last() {
        Some((last, [])) => format!("{last} s"),
        Some((last, others)) => format!("{} and {last} s", others.join(", ")),
        None => "never".into(),
    }
}

/// Returns `Ok` if `is_right`. Otherwise, calls `seen`, and returns its text as the error.
pub fn expect(is_right: bool, seen: impl FnOnce() -> String) -> Seen {
    if is_right { Ok(()) } else { Err(seen()) }
}

/// Returns how many seconds have passed since `start` on Tokio's clock.
pub fn since(start: tokio::time::Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

/// A solution that tests the checks: they must accept it, or catch it at a given step.
pub struct Picture {
    /// The name of the solution.
    pub name: &'static str,
    /// The number of the step whose check must fail first, or `None` if the solution is correct.
    pub caught: Option<usize>,
    /// The exercise's steps, applied to this solution.
    pub steps: &'static [Step],
}

/// Tests an exercise's checks against each solution in the gallery, and its hints against the
/// README. Each solution runs in a separate process, because some of them never end.
pub fn gallery(readme: &str, rooms: &[&[Picture]]) -> ExitCode {
    let pictures: Vec<_> = rooms.iter().copied().flatten().collect();
    if let Ok(name) = env::var("PICTURE") {
        let picture = pictures.iter().find(|picture| picture.name == name);
        let first = picture.map(|picture| {
            let verdicts = picture.steps.iter().map(|step| judge(step.check));
            verdicts.enumerate().find(|(_, verdict)| *verdict != Verdict::Passed)
        });
        match first.flatten() {
            Some((place, verdict)) => println!("{} {verdict:?}", place + 1),
            None => println!("0 all steps pass"),
        }
        return ExitCode::SUCCESS;
    }
    let mut failures = 0;
    // Each step's last hint names a heading in the README.
    for hint in pictures[0].steps.iter().filter_map(|step| step.hints.last()) {
        let heading = hint.split('"').nth(1).unwrap_or(hint);
        if !readme.lines().any(|line| line.trim_start_matches('#').trim() == heading) {
            println!("WRONG the README has no heading: {heading}");
            failures += 1;
        }
    }
    let results = Mutex::new((pictures.iter(), 0));
    let paint = || {
        loop {
            let next = results.lock().unwrap_or_else(PoisonError::into_inner).0.next();
            let Some(picture) = next else { return };
            let mut command = Command::new(env::current_exe().unwrap_or_default());
            let output = command.env("PICTURE", picture.name).output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            let text = text.unwrap_or_else(|error| error.to_string());
            let seen: Option<usize> = text.split(' ').next().and_then(|number| number.parse().ok());
            let fits = seen == Some(picture.caught.unwrap_or(0));
            let mark = if fits { "ok" } else { "WRONG" };
            println!("{mark:6}{:50} {}", picture.name, text.trim());
            results.lock().unwrap_or_else(PoisonError::into_inner).1 += usize::from(!fits);
        }
    };
    // Run two solutions at a time: most of them spend their time waiting.
    thread::scope(|scope| {
        scope.spawn(paint);
        scope.spawn(paint);
    });
    failures += results.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    println!("{} solutions, {failures} not as expected", pictures.len());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
