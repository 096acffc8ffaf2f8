//! Finds out what is already in the folder before anything is downloaded.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::DownloadError;
use crate::hashing::hash_of;
use crate::names::part_path;
use crate::part::Part;
use crate::stream::blocking;

/// The result of looking for a file before its download.
pub(crate) enum Existing {
    /// The file itself, which is kept.
    File,
    /// A partial file.
    Part(Box<Part>),
    Nothing,
}

/// Remembers which files are new, for one second.
///
/// Usually, none of the files exists. So we check all of them in one call on a thread that may
/// block. With one such call for each file, 2,000 small files would take 7 % longer.
pub(crate) struct NewFiles {
    are_new: Vec<bool>,
    checked: Instant,
}

impl NewFiles {
    /// Checks all paths.
    pub(crate) async fn check(paths: Vec<PathBuf>) -> Self {
        let are_new = move || paths.iter().map(|path| is_new(path)).collect();
        Self { are_new: blocking(are_new).await, checked: Instant::now() }
    }

    /// Whether the file at this index is new. After one second, the answer is `false`, because a
    /// file may have appeared since the check.
    pub(crate) fn is_new(&self, index: usize) -> bool {
        self.are_new[index] && self.checked.elapsed() < Duration::from_secs(1)
    }
}

/// Whether neither the file nor a partial file exists.
fn is_new(path: &Path) -> bool {
    path.symlink_metadata().is_err() && part_path(path).symlink_metadata().is_err()
}

/// Looks for the file, and then for a partial file.
///
/// # Errors
/// Returns the errors of [`is_kept`] and [`Part::left_over`].
pub(crate) fn look(
    path: &Path,
    url: &str,
    sha256: Option<[u8; 32]>,
    hash: bool,
    replace: bool,
) -> Result<Existing, DownloadError> {
    if is_kept(path, sha256, replace)? {
        return Ok(Existing::File);
    }
    let part = Part::left_over(path, url, hash)?;
    Ok(part.map_or(Existing::Nothing, |part| Existing::Part(part.into())))
}

/// Whether the file exists and we keep it instead of downloading it.
///
/// # Errors
/// Returns [`DownloadError::Differs`] if the file exists with another SHA-256, and
/// [`DownloadError::Disk`] if the path is something other than a file.
pub(crate) fn is_kept(
    path: &Path,
    sha256: Option<[u8; 32]>,
    replace: bool,
) -> Result<bool, DownloadError> {
    let disk = |source| DownloadError::Disk { path: path.into(), source };
    let Ok(there) = path.symlink_metadata() else { return Ok(false) };
    if replace && !there.is_dir() {
        return Ok(false);
    }
    // The path is a folder, a pipe, or a link to nowhere.
    if !fs::metadata(path).is_ok_and(|there| there.is_file()) {
        let error =
            io::Error::new(io::ErrorKind::AlreadyExists, "already exists and is not a file");
        return Err(disk(error));
    }
    if let Some(expected) = sha256 {
        let got = File::open(path).and_then(|mut file| hash_of(&mut file)).map_err(disk)?;
        if got != expected {
            return Err(DownloadError::Differs { path: path.into() });
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::testing::nothing;

    #[test]
    fn a_file_is_new_if_neither_it_nor_a_part_of_it_exists() {
        let (_folder, path) = nothing();
        assert!(is_new(&path));
        fs::write(part_path(&path), "").unwrap();
        assert!(!is_new(&path), "a part exists");
        fs::rename(part_path(&path), &path).unwrap();
        assert!(!is_new(&path), "the file exists");
    }

    #[test]
    fn an_existing_file_is_kept_replaced_or_an_error() {
        let (folder, path) = nothing();
        let right = Some(Sha256::digest("content").into());
        for sha256 in [None, right] {
            assert!(!is_kept(&path, sha256, false).unwrap(), "nothing exists yet");
        }
        fs::write(&path, "content").unwrap();
        for (sha256, replace, kept) in [
            (None, false, Some(true)),
            (right, false, Some(true)),
            (Some([7; 32]), false, None),
            (None, true, Some(false)),
            (Some([7; 32]), true, Some(false)),
        ] {
            let result = is_kept(&path, sha256, replace);
            assert!(result.as_ref().ok() == kept.as_ref(), "{sha256:?} {replace} {result:?}");
        }
        for replace in [false, true] {
            let result = is_kept(folder.path(), None, replace);
            assert!(matches!(result, Err(DownloadError::Disk { .. })), "a folder: {result:?}");
        }
    }
}
