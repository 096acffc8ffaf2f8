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
/// Returns [`DownloadError::NotOurs`] if a file with that name exists but is not a sidecar.
pub(crate) fn read(path: &Path) -> Result<Option<Origin>, DownloadError> {
    let path = sidecar_path(path);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let mut text = String::new();
    let read =
        open_plain(&path, false).and_then(|file| file.take(1 << 16).read_to_string(&mut text));
    match (read, serde_json::from_str(&text)) {
        (Ok(_), Ok(origin)) => Ok(Some(origin)),
        (Ok(_), Err(_)) if text.is_empty() || text.starts_with("{\"url\":") => Ok(None),
        _ => Err(DownloadError::NotOurs { file: path }),
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
    open_plain(&path, true)?.write_all(&serde_json::to_vec(origin)?)
}

/// Opens a plain file for reading and writing. Never follows a symbolic link. If `new` is true,
/// creates the file, and fails if it already exists.
pub(crate) fn open_plain(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        nix::fcntl::OFlag::O_NOFOLLOW.bits(),
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
