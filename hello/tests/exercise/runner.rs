//! Runs the exercise of a lesson step by step, and says what to do next. All seven lessons use this
//! file.
//!
//! A step has a check, which returns `Ok`, or a text that says what it saw and what it expected.
//! Each check runs on a thread of its own, under a watchdog. So a solution that never ends costs ten
//! seconds and gets a message, whatever it does.
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

/// The exercise of a lesson.
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
    /// What to do, for a learner who has not begun.
    pub task: &'static str,
    /// Checks the solution. Returns what went wrong.
    pub check: fn() -> Seen,
    /// The hints. Each gives away more than the one before it, and the last names the paragraph that
    /// explains the idea.
    pub hints: &'static [&'static str],
}

/// The result of a check: `Ok`, or a description of what was seen and what was expected.
pub type Seen = Result<(), String>;

/// How a check ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The solution does what the step asks for.
    Passed,
    /// It does something else.
    Failed(String),
    /// The learner has not begun: the check met a `todo!`.
    NotBegun,
    /// The solution panicked.
    Panicked(String),
    /// The check did not end.
    Stuck(Stuck),
}

/// What a check that does not end looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// It keeps a processor busy.
    Busy,
    /// A thread is blocked inside a poll.
    Blocked,
    /// All tasks wait, and nobody wakes them.
    Asleep,
}

/// How long a check may take. The checks run on a paused clock or wait for milliseconds, so even a
/// busy machine needs much less.
const LONGEST: Duration = Duration::from_secs(10);

/// How often a runtime of ours has parked its thread, and how often it has woken up again.
static PARKED: AtomicU64 = AtomicU64::new(0);
static UNPARKED: AtomicU64 = AtomicU64::new(0);

/// The message and the place of the last panic in a check.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs a check on a clock that jumps ahead whenever all tasks wait. A wait that would take forever
/// ends after a day on that clock.
pub fn on_the_paused_clock(check: impl Future<Output = Seen>) -> Seen {
    let day = Duration::from_secs(24 * 3600);
    let late = "after a day on the paused clock, the check was still waiting: somebody waits for \
                something that never happens";
    let (start, used) = (Instant::now(), processor_time());
    let seen = run_on(Builder::new_current_thread().start_paused(true), async {
        tokio::time::timeout(day, check).await.unwrap_or_else(|_| Err(late.into()))
    });
    // On this clock, waiting takes no real time. If real time has passed in which the processor had
    // nothing to do, something has blocked the thread.
    let used = processor_time().zip(used).map(|(after, before)| after.saturating_sub(before));
    let blocked = used.map_or(Duration::ZERO, |used| start.elapsed().saturating_sub(used));
    seen.map_err(|seen| match blocked > Duration::from_millis(900) {
        true => format!(
            "{seen}\nMeanwhile, {:.1} s of real time have passed. Does a call block the thread, such \
             as `std::thread::sleep`?",
            blocked.as_secs_f64()
        ),
        false => seen,
    })
}

/// Runs a check on the real clock, on one thread, with sockets and files.
pub fn on_the_real_clock(check: impl Future<Output = Seen>) -> Seen {
    run_on(&mut Builder::new_current_thread(), check)
}

fn run_on(builder: &mut Builder, check: impl Future<Output = Seen>) -> Seen {
    let parks = || _ = PARKED.fetch_add(1, SeqCst);
    let unparks = || _ = UNPARKED.fetch_add(1, SeqCst);
    let runtime = builder.enable_all().on_thread_park(parks).on_thread_unpark(unparks).build();
    runtime.map_err(|error| error.to_string())?.block_on(check)
}

/// Runs a check under the watchdog.
pub fn judge(check: fn() -> Seen) -> Verdict {
    judge_within(check, LONGEST)
}

/// Runs a check. If it takes longer than `limit`, looks at what it does, and leaves its thread alone.
pub fn judge_within(check: fn() -> Seen, limit: Duration) -> Verdict {
    PARKED.store(0, SeqCst);
    UNPARKED.store(0, SeqCst);
    let before = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{place}: ")).unwrap_or_default();
        let message = format!("{place}{}", info.payload_as_str().unwrap_or("a panic"));
        // The first panic is the cause of the others.
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

/// Watches the process for a moment.
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

/// Returns the processor time that this process has used. Only Linux shows it in a file.
fn processor_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may contain spaces, and ends with a parenthesis.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

impl Stuck {
    /// Explains what the check looks like, and why that is a problem.
    fn explain(self) -> &'static str {
        match self {
            Self::Busy => {
                "The check did not end, and kept a processor busy. Does a loop ask again and again \
                 whether something has happened, perhaps with `yield_now`? Then the runtime never \
                 gets to rest, and on a paused clock the time never passes. Wait for what you need \
                 instead: for a time with `sleep_until`, for a message with a channel, for a \
                 signal with `Notify`."
            }
            Self::Blocked => {
                "The check did not end, and a thread is blocked in the middle of a poll. Is there \
                 a call that waits without `.await`, such as `std::thread::sleep`, a \
                 `std::sync::Mutex` that is already locked, or `blocking_recv`? While it blocks, \
                 no other task on this thread can continue, perhaps not even the one that it \
                 waits for."
            }
            Self::Asleep => {
                "The check did not end: all tasks wait, and nobody wakes them. Does one wait for a \
                 message whose sender is kept alive, for a permit or a lock that is never given \
                 back, or for a notification that came too early?"
            }
        }
    }
}

/// The main function of an exercise's test program. The first argument is a command.
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
                "`{}` is not a command. There are: hint, solution, reset, watch. Without one, the \
                 steps are checked.",
                words.join(" ")
            );
            Ok(ExitCode::from(2))
        }
    };
    // Threads of checks that never end must not keep the program alive, so we don't wait for them.
    result.unwrap_or_else(|error| {
        println!("{}: {error}", exercise.lesson);
        ExitCode::FAILURE
    })
}

impl Exercise<'_> {
    /// Checks the steps up to the first that fails, shows the screen, and keeps the progress.
    fn show(&self) -> io::Result<ExitCode> {
        let (passed, verdict) = self.run();
        self.keep(passed, 0)?;
        let colours = io::stdout().is_terminal();
        print!("{}", self.screen(passed, verdict.as_ref(), colours));
        Ok(if verdict.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Returns how many steps pass, and what happened in the next one.
    fn run(&self) -> (usize, Option<Verdict>) {
        for (passed, step) in self.steps.iter().enumerate() {
            match judge(step.check) {
                Verdict::Passed => {}
                verdict => return (passed, Some(verdict)),
            }
        }
        (self.steps.len(), None)
    }

    /// Returns the text of the screen. `verdict` belongs to the first step that does not pass.
    pub fn screen(&self, passed: usize, verdict: Option<&Verdict>, colours: bool) -> String {
        // Colours and symbols are for people, and a file gets plain letters.
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
            println!("{}: all steps pass, so there is nothing to hint at.", self.lesson);
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
                println!("\nThat was the last hint. Then: cargo exercise {} solution", self.lesson)
            }
            _ => println!("\nHints left for this step: {left}"),
        }
        self.keep(passed, place + 1)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Names the file with our solution.
    fn solution(&self) -> io::Result<ExitCode> {
        println!(
            "Our solution is in {0}/solution.rs. The lesson itself, in {0}/src, does more.",
            self.lesson
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Restores the file as it was at the start, after asking.
    fn reset(&self) -> io::Result<ExitCode> {
        let file = Path::new(self.folder).join("exercise.rs");
        print!(
            "This replaces {}/exercise.rs and your work in it. Type yes to go on: ",
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
        println!("{}/exercise.rs is as it was at the start.", self.lesson);
        Ok(ExitCode::SUCCESS)
    }

    /// Runs the steps again whenever the file is saved, until Ctrl-C.
    fn watch(&self) -> io::Result<ExitCode> {
        if cfg!(windows) {
            println!(
                "On Windows, a running program cannot be built again, so `watch` does not work. Run \
                 `cargo exercise {}` after each change instead.",
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
                // The screen of the inner run says what failed.
                let _ = Command::new(env!("CARGO")).args(arguments).status()?;
                println!("Waiting until {}/exercise.rs is saved. Ctrl-C ends this.", self.lesson);
            }
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Prints one line: how many steps pass, and what is next.
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

    /// The file that keeps how many steps passed the last time, and how many hints were shown for the
    /// next one.
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

/// Wraps paragraphs at 78 columns and indents them. A line that begins with a space stays as it is.
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

/// Draws moments on a line, such as `0.00 ─●───●──`. A column is a fiftieth of the time from zero to
/// the last moment.
pub fn moments(seconds: &[f64]) -> String {
    const COLUMNS: usize = 50;
    let last = seconds.iter().copied().fold(f64::EPSILON, f64::max);
    let mut line = vec!['─'; COLUMNS + 1];
    for moment in seconds {
        line[(moment / last * COLUMNS as f64).round() as usize] = '●';
    }
    format!("  0.00 {} {last:.2} s", line.into_iter().collect::<String>())
}

/// Writes moments as `0.00, 0.90 and 1.05 s`.
pub fn list(seconds: &[f64]) -> String {
    let texts: Vec<_> = seconds.iter().map(|second| format!("{second:.2}")).collect();
    match texts.split_last() {
        Some((last, [])) => format!("{last} s"),
        Some((last, others)) => format!("{} and {last} s", others.join(", ")),
        None => "never".into(),
    }
}

/// Returns `Ok` if `is_right`, and otherwise the text.
pub fn expect(is_right: bool, seen: impl FnOnce() -> String) -> Seen {
    if is_right { Ok(()) } else { Err(seen()) }
}

/// Returns the seconds since `start` on Tokio's clock.
pub fn since(start: tokio::time::Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

/// A solution that the checks are held against.
pub struct Picture {
    /// The name of the solution.
    pub name: &'static str,
    /// The number of the step that must catch it, or `None` if it is correct.
    pub caught: Option<usize>,
    /// The steps for this solution.
    pub steps: &'static [Step],
}

/// The main function of a gallery: holds the checks against each solution, and the hints against the
/// README. Each solution runs in a process of its own, because some of them
/// never end.
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
    // The last hint of each step names a heading of the README.
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
    // Two at a time: most of them wait for something.
    thread::scope(|scope| {
        scope.spawn(paint);
        scope.spawn(paint);
    });
    failures += results.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    println!("{} solutions, {failures} not as expected", pictures.len());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
