//! The last steps of a download: check the file, sync it to the disk, and give it its name.
//!
//! The order matters. Once a file has its name, we cannot go back, so the checks come first. And
//! the bytes have to reach the disk before the name does. Otherwise, a power cut in between could
//! leave an empty file under that name.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::{DownloadError, Saved};

/// How to finish a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finish {
    /// The length that the file must have, in bytes.
    pub(crate) length: Option<u64>,
    /// The SHA-256 that the file must have.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Whether to compute the SHA-256. It is always computed if there is an expected one to
    /// compare it with.
    pub(crate) hash: bool,
    /// Whether to wait until the file is on the disk.
    pub(crate) sync: bool,
    /// Whether to replace an existing file with that name.
    pub(crate) replace: bool,
}

impl Finish {
    /// Checks the length and the SHA-256 of a file that was received. `resumed` says whether an
    /// earlier attempt received some of the bytes.
    pub(crate) fn check(
        &self,
        length: u64,
        sha256: Option<[u8; 32]>,
        resumed: bool,
    ) -> Result<(), DownloadError> {
        if let Some(expected) = self.length
            && expected != length
        {
            return Err(DownloadError::Short { got: length, expected });
        }
        match (self.sha256, sha256) {
            (Some(expected), Some(got)) if expected != got => {
                Err(DownloadError::Checksum { got, expected, resumed })
            }
            _ => Ok(()),
        }
    }
}

/// Writes a short file whose bytes are all in memory. Such a file needs no partial file that could
/// be resumed. Until it gets its name, it is called `NAME.RANDOM.part`, a name that no other
/// program uses.
pub(crate) fn write_short(
    path: &Path,
    target: &Path,
    bytes: &[u8],
    finish: Finish,
) -> Result<Saved, DownloadError> {
    let hash = finish.hash || finish.sha256.is_some();
    let sha256 = hash.then(|| Sha256::digest(bytes).into());
    finish.check(bytes.len() as u64, sha256, false)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).suffix(".part");
    // By default, only the user can read a temporary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let write = || {
        let mut part = builder.tempfile_in(folder_of(path))?;
        part.write_all(bytes)?;
        Ok(part)
    };
    let part = write().map_err(|source| DownloadError::Disk { path: target.into(), source })?;
    finish_short(part, target, finish)?;
    Ok(Saved { path: target.into(), bytes: bytes.len() as u64, sha256, resumed_from: 0 })
}

/// Syncs a temporary file to the disk, and then gives it its name. If the file cannot be synced or
/// renamed, it is removed.
fn finish_short(part: NamedTempFile, target: &Path, finish: Finish) -> Result<(), DownloadError> {
    if finish.sync {
        let synced = part.as_file().sync_all();
        synced.map_err(|source| DownloadError::Disk { path: target.into(), source })?;
    }
    let part = part.into_temp_path();
    rename(&part, target, finish.replace)?;
    // The file has its final name, so there is nothing left to remove under the temporary one.
    let _ = part.keep();
    sync_name(target, finish.sync)
}

/// Gives a file its final name, atomically.
pub(crate) fn rename(part: &Path, target: &Path, replace: bool) -> Result<(), DownloadError> {
    let path = || target.to_owned();
    if replace {
        return fs::rename(part, target)
            .map_err(|source| DownloadError::Disk { path: path(), source });
    }
    // A plain rename would replace a file that has appeared under this name since we checked.
    let renamed = tempfile::TempPath::try_from_path(part).and_then(|part| {
        part.persist_noclobber(target).map_err(|error| {
            // Dropping a temporary path removes its file. Here, the caller decides whether to
            // remove it.
            let _ = error.path.keep();
            error.error
        })
    });
    renamed.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => DownloadError::Exists { path: path() },
        _ => DownloadError::Disk { path: path(), source },
    })
}

/// Syncs a new name to the disk. The name is an entry in the folder, so the folder has to be
/// synced as well.
pub(crate) fn sync_name(target: &Path, sync: bool) -> Result<(), DownloadError> {
    if !sync || !cfg!(unix) {
        return Ok(());
    }
    match sync_folder(folder_of(target)) {
        // Some file systems cannot sync a folder.
        Err(source)
            if !matches!(
                source.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Err(DownloadError::Disk { path: target.into(), source })
        }
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ANY, names_in, nothing};

    #[cfg(unix)]
    #[test]
    fn a_short_file_that_cannot_be_synced_is_not_saved() {
        use crate::testing::unsyncable;
        let (folder, path) = nothing();
        let part = || {
            let (_, part) = NamedTempFile::new_in(folder.path()).unwrap().into_parts();
            NamedTempFile::from_parts(unsyncable(), part)
        };
        let error = finish_short(part(), &path, Finish { sync: true, ..ANY }).unwrap_err();
        assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
        assert_eq!(names_in(&folder), [""; 0]);
        finish_short(part(), &path, ANY).unwrap();
        assert_eq!(names_in(&folder), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_synced_if_its_file_system_can() {
        // `/dev/null` stands for a folder on a file system that cannot sync folders.
        let error = sync_folder(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        sync_name(Path::new("/dev/null/file"), true).unwrap();
        // Any other error is reported, unless the caller asked for no sync.
        let (folder, _) = nothing();
        let missing = folder.path().join("missing/file");
        assert!(matches!(sync_name(&missing, true), Err(DownloadError::Disk { .. })));
        sync_name(&missing, false).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_short_file_has_the_permissions_of_any_new_file() {
        let (folder, path) = nothing();
        write_short(&path, &path, b"short", ANY).unwrap();
        let usual = folder.path().join("usual");
        fs::write(&usual, "").unwrap();
        assert_eq!(path.metadata().unwrap().permissions(), usual.metadata().unwrap().permissions());
    }

    #[test]
    fn a_short_file_is_checked_like_a_long_one() {
        let (folder, path) = nothing();
        let right = Sha256::digest("short").into();
        for finish in [
            Finish { length: Some(6), ..ANY },
            Finish { length: Some(4), sha256: Some(right), ..ANY },
            Finish { length: Some(5), sha256: Some([7; 32]), ..ANY },
        ] {
            write_short(&path, &path, b"short", finish).unwrap_err();
            assert_eq!(names_in(&folder), [""; 0]);
        }
        let finish = Finish { length: Some(5), sha256: Some(right), ..ANY };
        let saved = write_short(&path, &path, b"short", finish).unwrap();
        assert_eq!((saved.bytes, saved.sha256, saved.resumed_from), (5, Some(right), 0));
        // An existing file is replaced only if the caller asks for it.
        let error = write_short(&path, &path, b"other", ANY).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
        write_short(&path, &path, b"other", Finish { replace: true, ..ANY }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");
        assert_eq!(names_in(&folder), ["file"]);
    }

    #[test]
    fn a_sha256_is_computed_only_if_it_is_checked_or_asked_for() {
        let right = Some(Sha256::digest("short").into());
        for (finish, expected) in [
            (ANY, None),
            (Finish { hash: true, ..ANY }, right),
            (Finish { sha256: right, ..ANY }, right),
        ] {
            let (_folder, path) = nothing();
            assert_eq!(write_short(&path, &path, b"short", finish).unwrap().sha256, expected);
        }
    }

    #[test]
    fn a_path_without_a_folder_is_in_the_current_one() {
        for (path, folder) in [("file", "."), ("a/file", "a"), ("/file", "/")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }
}
