//! Lesson 1: `async` and `await`, and the Rust counterparts of `asyncio.run`, `gather` and
//! `create_task`.
//!
//! Run with: `cargo run -p hello`, or one scene alone: `cargo run -p hello -- blocking`

mod blocking;
mod clock;
mod poll;
mod share;
mod timeline;
mod together;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::time::sleep;

use clock::Clock;

#[cfg(test)]
mod tests;

/// Shows the first steps of async Rust in seven short scenes.
#[derive(Parser)]
#[command(version, after_help = "Examples:\n  hello\n  hello lazy blocking")]
struct Arguments {
    /// The scenes to run, in this order. By default, all seven run.
    scenes: Vec<Scene>,
    /// Save the timeline of the scene `together` as a picture.
    #[arg(long, value_name = "FILE", hide = true)]
    timeline_svg: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scene {
    /// Prints, waits without blocking, and prints again.
    Hello,
    /// Shows that an async function returns a value.
    Value,
    /// Shows that a future does nothing until it is awaited.
    Lazy,
    /// Shows what the runtime does with a future: it polls the future once, and again after each
    /// wake.
    Poll,
    /// Waits three times: one wait after another, with `join!`, and with `spawn`.
    Together,
    /// Lets ten tasks change the same balance.
    Share,
    /// Shows what a blocking call does to everything else on its thread.
    Blocking,
}

/// Returns the scenes to run: those the user named, or all of them.
fn chosen(scenes: Vec<Scene>) -> Vec<Scene> {
    if scenes.is_empty() { Scene::value_variants().to_vec() } else { scenes }
}

// `#[tokio::main]` does what `asyncio.run(main())` does in Python: it starts a runtime, passes this
// function's future to the runtime, and returns when that future has finished.
#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let clock = Clock::start();
    for scene in chosen(arguments.scenes) {
        match scene {
            Scene::Hello => hello(clock).await,
            Scene::Value => value(clock).await,
            Scene::Lazy => lazy(clock).await,
            Scene::Poll => poll::play(clock).await,
            Scene::Together => together::play(clock, arguments.timeline_svg.as_deref()).await,
            Scene::Share => share::play(clock).await,
            Scene::Blocking => blocking::play(clock).await,
        }
    }
}

// ---- Waiting without blocking ------------------------------------------------------------------

async fn hello(clock: Clock) {
    clock.title("hello: wait without blocking");
    clock.say("Hello");
    // `.await` gives the thread back to the runtime until the second has passed.
    sleep(Duration::from_secs(1)).await;
    clock.say("World");
}

// ---- A value from the future -------------------------------------------------------------------

/// Returns a small map after two seconds.
async fn user() -> BTreeMap<&'static str, &'static str> {
    sleep(Duration::from_secs(2)).await;
    BTreeMap::from([("name", "Ferris")])
}

async fn value(clock: Clock) {
    clock.title("value: an async function returns a value like any other function");
    let user = user().await;
    clock.say(&format!("got {user:?}"));
}

// ---- A future does nothing until it is awaited -------------------------------------------------

async fn lazy(clock: Clock) {
    clock.title("lazy: calling is not running");
    let future = async { clock.say("the future runs") };
    clock.say("we have made a future");
    sleep(Duration::from_millis(500)).await;
    clock.say("half a second later, the future still hasn't done anything; now we await it");
    future.await;

    // A Python coroutine is just as lazy; a Python *task* is not. In Rust, you cancel a future by
    // dropping it. Here we drop a future before it has run at all.
    drop(async { clock.say("never printed") });
}
