//! Finds out what is already in the folder before anything is downloaded.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::DownloadError;
use crate::hashing::hash_of;
use crate::names::part_path;
use crate::naming::{TEMPORARY, folder_of};
use crate::part::Part;
use crate::sidecar::{self, is_ours, open_plain};
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
    /// Checks all paths. Also removes temporary files that an earlier run has left in their folders.
    pub(crate) async fn check(paths: Vec<PathBuf>) -> Self {
        let are_new = move || {
            let folders: HashSet<_> = paths.iter().map(|path| folder_of(path)).collect();
            folders.into_iter().for_each(remove_leftovers);
            paths.iter().map(|path| is_new(path)).collect()
        };
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
        tidy(path);
        return Ok(Existing::File);
    }
    match Part::left_over(path, url, hash)? {
        Some(part) if part.is_finished() => {
            part.remove_names();
            Ok(Existing::Nothing)
        }
        Some(part) => Ok(Existing::Part(part.into())),
        None => Ok(Existing::Nothing),
    }
}

/// Removes what a run that was killed has left next to the finished file: the name of the partial
/// file, or its sidecar. If that fails, no harm is done.
pub(crate) fn tidy(path: &Path) {
    match Part::left_over(path, "", false) {
        Ok(Some(part)) if part.is_finished() => part.remove_names(),
        Ok(None) => {
            if let Ok(Some(origin)) = sidecar::read(path)
                // We remove the sidecar only while we hold the name of the partial file. Otherwise,
                // we could remove the sidecar of a download that has just begun.
                && let Ok(part) = Part::create(path, origin, false)
            {
                part.remove_names();
            }
        }
        _ => {}
    }
}

/// Removes the temporary files in a folder that runs have left because they were killed. A file that
/// a run is still using is locked.
fn remove_leftovers(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.filter(|entry| is_temporary(&entry.file_name())).map(|entry| entry.path()) {
        if let Ok(file) = open_plain(&path, false)
            && is_ours(&file)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether this is a temporary name of ours: six letters or digits between a fixed beginning and a
/// fixed end.
fn is_temporary(name: &OsStr) -> bool {
    let (begin, end) = TEMPORARY;
    let random = name.to_str().and_then(|name| name.strip_prefix(begin)?.strip_suffix(end));
    random.is_some_and(|random| {
        random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
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
    #[cfg(unix)]
    use crate::names::sidecar_path;
    use crate::testing::{names_in, nothing};

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
    fn what_a_killed_run_has_left_is_removed_and_nothing_else() {
        let (folder, path) = nothing();
        let keep =
            [".downloads-.part", ".downloads-abc12.part", "x.part", ".downloads-abc!23.part"];
        for name in keep.iter().chain(&[".downloads-abc123.part", ".downloads-ABCdef.part"]) {
            fs::write(folder.path().join(name), "bytes").unwrap();
        }
        let in_use = File::open(folder.path().join(".downloads-ABCdef.part")).unwrap();
        in_use.lock().unwrap();
        remove_leftovers(folder.path());
        let mut expected = [&keep[..], &[".downloads-ABCdef.part"]].concat();
        expected.sort_unstable();
        assert_eq!(names_in(&folder), expected);
        drop(in_use);
        remove_leftovers(folder.path());
        assert_eq!(names_in(&folder).len(), keep.len());
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_second_name_of_a_finished_file_is_removed_and_the_file_stays() {
        let origin = r#"{"url":"http://host/","validator":{"ETag":"\"one\""},"length":null}"#;
        for (target, replace) in [("file", false), ("file", true), ("other", false)] {
            let (folder, path) = nothing();
            // The run was killed after it had linked the file.
            fs::write(part_path(&path), "all of it").unwrap();
            fs::write(sidecar_path(&path), origin).unwrap();
            fs::hard_link(part_path(&path), folder.path().join(target)).unwrap();
            let found = look(&path, "http://host/", None, false, replace).unwrap();
            let is_kept = target == "file" && !replace;
            assert_eq!(matches!(found, Existing::File), is_kept, "{target} {replace}");
            assert_eq!(matches!(found, Existing::Nothing), !is_kept, "{target} {replace}");
            assert_eq!(names_in(&folder), [target]);
            assert_eq!(fs::read(folder.path().join(target)).unwrap(), b"all of it");
            // Two runs were killed, and the second one had already removed the sidecar.
            if target == "file" {
                fs::hard_link(&path, part_path(&path)).unwrap();
                look(&path, "http://host/", None, false, replace).unwrap();
                assert_eq!(names_in(&folder), [target]);
            }
            // The run was killed a moment later.
            fs::write(&path, "all of it").unwrap();
            fs::write(sidecar_path(&path), origin).unwrap();
            look(&path, "http://host/", None, false, false).unwrap();
            assert!(!sidecar_path(&path).exists() && !part_path(&path).exists());
        }
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
