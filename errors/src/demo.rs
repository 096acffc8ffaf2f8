//! The demonstration, which runs if you pass no arguments: scenes with services on this machine,
//! each of which fails in a different way.

mod clock;
mod hedge;
mod many;
mod recording;
mod services;
mod single;

use std::io::{Write, stderr};
use std::path::Path;

use anyhow::Context;

use clock::{Clock, print_line};

/// Runs all scenes. Then draws a timeline of the later scenes, which shows when each request was in
/// flight and how it ended.
///
/// # Errors
/// Fails if a service cannot be started, or if the picture `svg` cannot be saved.
pub async fn run(svg: Option<&Path>) -> anyhow::Result<()> {
    // One of the tasks panics on purpose, so we print only one line about the panic.
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let _ = writeln!(stderr(), "         (a task panicked: {message})");
    }));
    let clock = Clock::start();
    print_line("Services on this machine, each of which fails in a different way.");

    single::default(clock).await?;
    single::timeout(clock).await?;
    single::retry(clock).await?;
    single::panic(clock).await?;

    let timeline = recording::start();
    many::play(clock, &timeline).await?;
    hedge::play(clock, &timeline).await?;

    print_line("\nThe timeline of the scenes from \"one after another\" to \"a hedge\":\n");
    print_line(&timeline.text());
    if let Some(path) = svg {
        timeline
            .save_svg(path)
            .with_context(|| format!("cannot save the timeline as {}", path.display()))?;
    }
    Ok(())
}
