//! Helpers that several files' unit tests share.

use std::fs;
use std::path::PathBuf;

use crate::finish::Finish;

/// Accepts any file, and syncs, hashes and replaces nothing.
pub(crate) const ANY: Finish =
    Finish { length: None, sha256: None, hash: false, sync: false, replace: false };

/// Returns a folder, and the path of a file in it that does not exist yet.
pub(crate) fn nothing() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    (folder, path)
}

/// Returns the names in a folder, sorted.
pub(crate) fn names_in(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns a file that cannot be synced: the system answers `InvalidInput`.
#[cfg(unix)]
pub(crate) fn unsyncable() -> fs::File {
    let null = fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    assert_eq!(null.sync_all().unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    null
}
