//! The sidecar `NAME.part.json`, which records which version of which file a partial file belongs
//! to.
//!
//! The sidecar also shows that this program created the partial file. We never overwrite any other
//! file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::DownloadError;
use crate::names::sidecar_path;
use crate::resume::Origin;

/// Reads the sidecar for the file at `path`. Returns `None` if there is no sidecar, or if this
/// program was interrupted while it wrote the sidecar.
///
/// # Errors
/// Returns [`DownloadError::NotOurs`] if a file with that name exists but is not a sidecar, and
/// [`DownloadError::OtherUser`] if it belongs to another user.
pub(crate) fn read(path: &Path) -> Result<Option<Origin>, DownloadError> {
    let path = sidecar_path(path);
    let Ok(there) = path.symlink_metadata() else { return Ok(None) };
    if !there.is_file() {
        return Err(DownloadError::NotOurs { file: path });
    }
    let disk = |source| DownloadError::Disk { path: path.clone(), source };
    let file = open_plain(&path, false).map_err(disk)?;
    if !is_ours(&file) {
        return Err(DownloadError::OtherUser { file: path });
    }
    let mut text = Vec::new();
    file.take(1 << 16).read_to_end(&mut text).map_err(disk)?;
    match serde_json::from_slice(&text) {
        Ok(origin) => Ok(Some(origin)),
        Err(_) if text.is_empty() || text.starts_with(b"{\"url\":") => Ok(None),
        Err(_) => Err(DownloadError::NotOurs { file: path }),
    }
}

/// Writes the sidecar for the file at `path`. The partial file is still empty when we do this. So
/// if the program is killed halfway, no bytes are lost, and no bytes are left without an origin.
pub(crate) fn write(path: &Path, origin: &Origin) -> io::Result<()> {
    let path = sidecar_path(path);
    // We remove an old sidecar instead of overwriting it, because it may be a symbolic link.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create_plain(&path)?.write_all(&serde_json::to_vec(origin)?)
}

/// Whether this file belongs to the user who runs the program. In a folder that several users share,
/// another user could leave a partial file with any contents.
#[cfg(unix)]
pub(crate) fn is_ours(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let us = nix::unistd::Uid::effective().as_raw();
    file.metadata().is_ok_and(|file| file.uid() == us)
}

/// Other systems have no simple way to find out.
#[cfg(not(unix))]
pub(crate) fn is_ours(_: &File) -> bool {
    true
}

/// Opens a plain file for reading and, if `write` is true, for writing. Never follows a symbolic
/// link.
pub(crate) fn open_plain(path: &Path, write: bool) -> io::Result<File> {
    open(path, write, false)
}

/// Creates a plain file for reading and writing. Fails if the name exists.
pub(crate) fn create_plain(path: &Path) -> io::Result<File> {
    open(path, true, true)
}

fn open(path: &Path, write: bool, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(write).create_new(new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK).bits(),
    );
    let file = options.open(path)?;
    // On systems other than Unix, this check finds a symbolic link. On all systems, it rejects a
    // pipe or a device. A new file is always a plain file.
    if new || path.symlink_metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
        nix::unistd::mkfifo(&path, mode).unwrap();
        let error = open_plain(&path, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
