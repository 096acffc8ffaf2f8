//! Locks the partial file, so that two programs never write to the same file.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use crate::DownloadError;

/// Locks a partial file that was just opened. The lock lasts until the file is closed.
///
/// # Errors
/// Returns [`DownloadError::InUse`] if another process is using the file, or has just given it its
/// final name.
pub(crate) fn lock(file: &File, part: &Path) -> Result<(), DownloadError> {
    let disk = |source| DownloadError::Disk { path: part.into(), source };
    let in_use = || DownloadError::InUse { part: part.into() };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(in_use()),
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
            return Err(disk(error));
        }
        Err(TryLockError::Error(_)) | Ok(()) => {}
    }
    // Between opening and locking, another process may have renamed the file. In that case, we
    // have locked a finished file, and must not write to it.
    if is_still(file, part).map_err(disk)? { Ok(()) } else { Err(in_use()) }
}

/// Whether the opened file is still the file with this name.
#[cfg(unix)]
pub(crate) fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let opened = file.metadata()?;
    match path.symlink_metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the opened file is still the file with this name.
#[cfg(not(unix))]
pub(crate) fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    let opened = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Ok(named) => Ok(named == opened),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
