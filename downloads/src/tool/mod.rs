//! The tool around the lesson: which file goes where, and what the user sees of it.

pub mod names;
pub mod progress;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::bail;
use downloads::{Download, part_path};
use reqwest::Client;

use progress::Progress;

/// Gives every URL its path in `folder`.
///
/// # Errors
/// Before anything is fetched: a folder that cannot be written, a URL that is none or that ends in
/// no name, two with one name, or, unless `force`, a file that is there already.
pub fn plan(urls: &[String], folder: &Path, force: bool) -> anyhow::Result<Vec<Download>> {
    check_folder(folder)?;
    let mut plan: Vec<Download> = Vec::new();
    for url in urls {
        let path = folder.join(names::file_name(url)?);
        if let Some(other) = plan.iter().find(|other| clash(&other.path, &path)) {
            bail!("{url}: would be saved as {}, in the way of {}", path.display(), other.url);
        }
        if !force && path.symlink_metadata().is_ok() {
            bail!("{url}: {} is there already (--force replaces it)", path.display());
        }
        let part = part_path(&path);
        if part.symlink_metadata().is_ok() {
            bail!("{url}: {} is there: remove it if no download is at it", part.display());
        }
        plan.push(Download { url: url.clone(), path });
    }
    Ok(plan)
}

/// Whether two files are one, or one is where the other's bytes are until it is whole. `A` and `a`
/// are one file on many systems.
fn clash(one: &Path, other: &Path) -> bool {
    let key = |path: &Path| path.to_string_lossy().to_lowercase();
    let part = |path: &Path| key(&part_path(path));
    key(one) == key(other) || part(one) == key(other) || key(one) == part(other)
}

/// Downloads the plan and shows its progress; returns whether every file was saved.
pub async fn run(
    client: &Client,
    plan: &[Download],
    at_once: NonZeroUsize,
) -> anyhow::Result<bool> {
    let progress = Progress::new(plan);
    let results = downloads::download_all(client, plan, at_once, |place, event| {
        progress.show(place, event);
    })
    .await;
    let mut all_saved = true;
    for error in results.into_iter().filter_map(Result::err) {
        all_saved = false;
        complain(&error.into());
    }
    // An error here is stdout's; what happened to the files has been told by then.
    match progress.finish() {
        Err(error) if all_saved => Err(error.into()),
        _ => Ok(all_saved),
    }
}

/// Fails where no file could be made in `folder`.
fn check_folder(folder: &Path) -> anyhow::Result<()> {
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        // Without the path of the file tried out.
        Err(error) => {
            let why = error
                .raw_os_error()
                .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            bail!("{}: cannot write to this folder: {why}", folder.display())
        }
    }
}

/// Says on stderr what went wrong, in one line; nothing where stderr is closed, too.
pub fn complain(error: &anyhow::Error) {
    let _ = writeln!(io::stderr(), "downloads: {error:#}");
}
