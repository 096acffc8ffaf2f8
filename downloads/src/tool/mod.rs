//! The tool around the lesson: which file goes where, and what the user sees of it.

pub mod plan;
pub mod progress;

use std::io::{self, Write};

use downloads::{Download, Options};
use reqwest::Client;

use progress::{Format, Progress};

/// Downloads the plan, shows its progress, and returns the exit status.
pub async fn run(
    client: &Client,
    plan: &[Download],
    options: Options,
    format: Format,
) -> io::Result<u8> {
    let progress = Progress::new(plan, format);
    let report = |place, event: downloads::Event<'_>| progress.show(place, event);
    let results = downloads::download_all(client, plan, options, report).await;
    let failed = |kind: fn(&downloads::DownloadError) -> bool| {
        results.iter().filter_map(|result| result.as_ref().err()).any(kind)
    };
    let code = match (failed(|_| true), failed(downloads::DownloadError::is_disk_full)) {
        (_, true) => 3,
        (true, false) => 1,
        (false, false) => 0,
    };
    // An error here is stdout's; what happened to the files has been told by then.
    match progress.finish().await {
        Err(error) if code == 0 => Err(error),
        _ => Ok(code),
    }
}

/// Says on stderr what went wrong, in one line; nothing where stderr is closed, too.
pub fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "downloads: {error:#}");
}
