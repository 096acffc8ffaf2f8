//! The tool that the lesson builds: it plans where to save each file, and shows the progress.

pub mod plan;
pub mod progress;

use std::io::{self, Write};

use downloads::{Download, Event, Options};
use reqwest::Client;

use crate::printable::printable;
use progress::{Format, Progress};

/// Downloads the planned files, shows their progress, and returns the exit status. Also calls
/// `watch` with each event.
pub async fn run(
    client: &Client,
    plan: &[Download],
    options: Options,
    format: Format,
    watch: impl Fn(usize, &Event<'_>),
) -> io::Result<u8> {
    let progress = Progress::new(plan, format)?;
    let report = |place, event: Event<'_>| {
        watch(place, &event);
        progress.show(place, event);
    };
    let results = downloads::download_all(client, plan, options, report).await;
    let failed = |kind: fn(&downloads::DownloadError) -> bool| {
        results.iter().filter_map(|result| result.as_ref().err()).any(kind)
    };
    let code = match (failed(|_| true), failed(downloads::DownloadError::is_disk_full)) {
        (_, true) => 3,
        (true, false) => 1,
        (false, false) => 0,
    };
    // This fails if stdout cannot be written. If a download has failed, the exit status for that
    // takes precedence.
    match progress.finish().await {
        Err(error) if code == 0 => Err(error),
        _ => Ok(code),
    }
}

/// Reports an error in one line on stderr. If stderr is closed, the message is lost.
pub fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "downloads: {}", printable(&format!("{error:#}")));
}
