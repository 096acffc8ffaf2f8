//! Lesson 1: `async` and `await`. What `asyncio.run`, `await`, `gather` and `create_task` become.
//!
//! Run with: `cargo run -p hello`, or one scene alone: `cargo run -p hello -- blocking`

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::join;
use tokio::time::{Instant, sleep};

#[cfg(test)]
mod tests;

/// The first steps of async Rust, in five short scenes.
#[derive(Parser)]
#[command(after_help = "Examples:\n  hello\n  hello lazy blocking")]
struct Arguments {
    /// The scenes to play, in this order; without any, all five.
    scenes: Vec<Scene>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scene {
    /// Print, wait without blocking, print again.
    Hello,
    /// An async function returns a value.
    Value,
    /// A future does nothing until it is awaited.
    Lazy,
    /// One after another, `join!`, and `spawn`.
    Together,
    /// What a blocking call does to everything beside it.
    Blocking,
}

/// The scenes to play: those asked for, or all of them.
fn chosen(scenes: Vec<Scene>) -> Vec<Scene> {
    if scenes.is_empty() { Scene::value_variants().to_vec() } else { scenes }
}

// `#[tokio::main]` is what `asyncio.run(main())` is in Python: it starts a runtime, hands it the
// future of this function, and returns when that future is done.
#[tokio::main]
async fn main() {
    let clock = Clock::start();
    for scene in chosen(Arguments::parse().scenes) {
        match scene {
            Scene::Hello => hello(&clock).await,
            Scene::Value => value(&clock).await,
            Scene::Lazy => lazy(&clock).await,
            Scene::Together => together(&clock).await,
            Scene::Blocking => blocking(&clock).await,
        }
    }
}

// ---- Hello, and World a second later -----------------------------------------------------------

async fn hello(clock: &Clock) {
    clock.title("hello: wait without blocking");
    clock.say("Hello");
    // `.await` gives the thread back to the runtime until the second has passed.
    sleep(Duration::from_secs(1)).await;
    clock.say("World");
}

// ---- A value from the future -------------------------------------------------------------------

/// Returns a small map, two seconds later.
async fn user() -> BTreeMap<&'static str, &'static str> {
    sleep(Duration::from_secs(2)).await;
    BTreeMap::from([("name", "Ferris")])
}

async fn value(clock: &Clock) {
    clock.title("value: an async function returns like any other");
    let user = user().await;
    clock.say(&format!("got {user:?}"));
}

// ---- A future does nothing until it is awaited -------------------------------------------------

async fn lazy(clock: &Clock) {
    clock.title("lazy: calling is not running");
    let future = async { clock.say("the future runs") };
    clock.say("the future is made");
    sleep(Duration::from_millis(500)).await;
    clock.say("half a second later it has still done nothing; now we await it");
    future.await;

    // A Python coroutine is as lazy as this; a Python *task* is not. Dropping a future is how Rust
    // cancels it: this one never says a word.
    drop(async { clock.say("never printed") });
}

// ---- One after another, `join!`, `spawn` -------------------------------------------------------

const NAP: Duration = Duration::from_millis(100);

/// Sleeps for so many naps and returns its name.
async fn nap(name: &'static str, naps: u32) -> &'static str {
    sleep(naps * NAP).await;
    name
}

/// Three naps, each awaited before the next begins.
async fn one_after_another() -> [&'static str; 3] {
    [nap("a", 4).await, nap("b", 5).await, nap("c", 3).await]
}

/// Three naps inside this one task. `join!` polls each in turn: while one waits, the next runs.
/// They never run at the same instant. They are parts of this future, and may borrow from it.
async fn joined() -> [&'static str; 3] {
    let (a, b, c) = join!(nap("a", 4), nap("b", 5), nap("c", 3));
    [a, b, c]
}

/// Three naps, each a task of its own: they start at once, awaited or not, and may run on several
/// threads at the same instant. So a task must own what it uses (`'static`) and be safe to move
/// to another thread (`Send`). Awaiting the handle gives the value, or the panic of the task as
/// an error; dropping the handle leaves the task running.
async fn spawned() -> Result<[&'static str; 3], tokio::task::JoinError> {
    let tasks = [("a", 4), ("b", 5), ("c", 3)].map(|(name, naps)| tokio::spawn(nap(name, naps)));
    let [a, b, c] = tasks;
    Ok([a.await?, b.await?, c.await?])
}

async fn together(clock: &Clock) {
    clock.title("together: three naps, of 0.4, 0.5 and 0.3 s");
    let start = Instant::now();
    let names = one_after_another().await;
    clock.took("one after another", start, &names);

    let start = Instant::now();
    let names = joined().await;
    clock.took("join!", start, &names);

    let start = Instant::now();
    match spawned().await {
        Ok(names) => clock.took("spawn", start, &names),
        Err(error) => clock.say(&format!("a nap failed: {error}")),
    }
}

// ---- A blocking call stops everything beside it ------------------------------------------------

const TICK: Duration = Duration::from_millis(100);
const WORK: Duration = Duration::from_millis(450);

/// Awaits `work` beside a ticker and returns how often the ticker got to tick meanwhile.
async fn ticks_beside(work: impl Future<Output = ()>) -> u32 {
    let mut ticks = 0;
    let ticker = async {
        loop {
            sleep(TICK).await;
            ticks += 1;
        }
    };
    // Polls both, in this one task; ends when one ends, and drops the other.
    tokio::select! {
        biased; // the work first: where both are due, it has the word
        () = work => {}
        () = ticker => {}
    }
    ticks
}

/// Waits as async code should: the thread is free for others.
async fn waits_well() {
    sleep(WORK).await;
}

/// Waits as async code must not: the thread sleeps, and every future on it with it.
async fn waits_badly() {
    thread::sleep(WORK);
}

/// Where a call must block, it goes to a thread kept for that, as with `asyncio.to_thread`.
async fn waits_elsewhere() {
    let blocking_call = tokio::task::spawn_blocking(|| thread::sleep(WORK));
    // An error here would mean that the call panicked; a sleep does not.
    let _ = blocking_call.await;
}

async fn blocking(clock: &Clock) {
    clock.title("blocking: 0.45 s of work beside a ticker of 0.1 s");
    let ticks = ticks_beside(waits_well()).await;
    clock.say(&format!("tokio::time::sleep   {ticks} ticks"));
    let ticks = ticks_beside(waits_badly()).await;
    clock.say(&format!("std::thread::sleep   {ticks} ticks: nothing else could run"));
    let ticks = ticks_beside(waits_elsewhere()).await;
    clock.say(&format!("spawn_blocking       {ticks} ticks"));
}

// ---- Printing ----------------------------------------------------------------------------------

/// Prints lines with the seconds since it was started.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn title(&self, text: &str) {
        print_line(&format!("\n{text}"));
    }

    fn say(&self, text: &str) {
        print_line(&format!("{:6.2} s  {text}", self.0.elapsed().as_secs_f64()));
    }

    fn took(&self, how: &str, start: Instant, names: &[&str]) {
        let seconds = start.elapsed().as_secs_f64();
        self.say(&format!("{how:<18} {names:?} in {seconds:.2} s"));
    }
}

/// Prints a line; ends the program quietly where nobody reads on (`hello | head -1`), for which
/// `println!` would panic.
fn print_line(line: &str) {
    use std::io::{ErrorKind, Write, stderr, stdout};
    if let Err(error) = writeln!(stdout(), "{line}") {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        let _ = writeln!(stderr(), "hello: stdout: {error}");
        std::process::exit(1);
    }
}
