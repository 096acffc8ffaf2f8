//! Gives a finished file its name. All functions in this file may block.
//!
//! The file that gets the name must be the one that we have written and checked. Between the check
//! and a plain rename, another program could put its own file under the name of the partial file,
//! and the rename would publish that file. On Linux, we can do better: a hard link can be made from
//! an open file, so it doesn't matter what its name refers to by then.
//!
//! A hard link cannot replace an older file, and a rename can. So to replace a file, we link ours to a
//! temporary name and rename that. Afterwards, we check which file has got the name.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::DownloadError;
use crate::lock::is_still;

/// How temporary names begin and end. Between them is a random part.
pub(crate) const TEMPORARY: (&str, &str) = (".downloads-", ".part");

/// Returns a builder of files with temporary names.
pub(crate) fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    // By default, only the user can read a temporary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Gives the name `target` to the open `file`, which is called `part`. If `replace` is false, never
/// replaces a file.
///
/// Returns whether the file system could keep that promise to the end. If it has neither hard links
/// nor a rename that fails if the name exists, then a file that appears just before the rename is
/// lost.
///
/// # Errors
/// - [`DownloadError::Replaced`] if `part` no longer refers to `file`. On systems other than Linux,
///   another program can still replace `part` between this check and the rename.
/// - [`DownloadError::Exists`] if `target` exists and `replace` is false
pub(crate) fn give_name(
    file: &File,
    part: &Path,
    target: &Path,
    replace: bool,
) -> Result<bool, DownloadError> {
    #[cfg(target_os = "linux")]
    match link(file, target, replace) {
        // Before the rename, another program can replace the temporary name, too.
        Ok(()) if replace && !is_still(file, target).unwrap_or(true) => {
            return Err(DownloadError::Replaced { part: target.into() });
        }
        Ok(()) => {
            // If this fails, the next run removes the other name.
            if is_still(file, part).unwrap_or(false) {
                let _ = fs::remove_file(part);
            }
            return Ok(true);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(DownloadError::Exists { path: target.into() });
        }
        // There is no `/proc`, or no hard links, or a rename will fail, too.
        Err(_) => {}
    }
    rename(file, part, target, replace)
}

/// Makes a hard link to an open file.
#[cfg(target_os = "linux")]
pub(crate) fn link(file: &File, target: &Path, replace: bool) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use nix::fcntl::{AT_FDCWD, AtFlags};

    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |name: &Path| {
        nix::unistd::linkat(AT_FDCWD, &*open, AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)
            .map_err(io::Error::from)
    };
    if !replace {
        return link(target);
    }
    let _ = file.try_lock(); // until then, another run must not take this file for a leftover
    temporary().make_in(folder_of(target), link)?.into_temp_path().persist(target)?;
    Ok(())
}

fn rename(file: &File, part: &Path, target: &Path, replace: bool) -> Result<bool, DownloadError> {
    let disk = |source| DownloadError::Disk { path: target.into(), source };
    if !is_still(file, part).map_err(disk)? {
        return Err(DownloadError::Replaced { part: part.into() });
    }
    if replace {
        return fs::rename(part, target).map(|()| true).map_err(disk);
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
    match renamed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(DownloadError::Exists { path: target.into() })
        }
        Err(_) => rename_unguarded(part, target).map(|()| false),
    }
}

/// Renames a file on a file system that cannot make sure that nothing is replaced.
fn rename_unguarded(part: &Path, target: &Path) -> Result<(), DownloadError> {
    if target.symlink_metadata().is_ok() {
        return Err(DownloadError::Exists { path: target.into() });
    }
    fs::rename(part, target).map_err(|source| DownloadError::Disk { path: target.into(), source })
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

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{names_in, nothing};

    #[test]
    fn only_the_open_file_gets_the_name() {
        type Way = fn(&File, &Path, &Path, bool) -> Result<bool, DownloadError>;
        for (way, replace) in
            [(give_name as Way, false), (give_name, true), (rename, false), (rename, true)]
        {
            let (folder, target) = nothing();
            let part = folder.path().join("file.part");
            let file = File::create_new(&part).unwrap();
            fs::write(folder.path().join("other"), "of another program").unwrap();
            fs::rename(folder.path().join("other"), &part).unwrap();
            let error = way(&file, &part, &target, replace).unwrap_err();
            assert!(matches!(error, DownloadError::Replaced { .. }), "{error:?}");
            assert_eq!(names_in(&folder), ["file.part"]);
            fs::remove_file(&part).unwrap();
            let error = way(&file, &part, &target, replace).unwrap_err();
            assert!(matches!(error, DownloadError::Replaced { .. }), "{error:?}");
            assert_eq!(names_in(&folder), [""; 0]);

            fs::write(&target, "old").unwrap();
            let file = File::create_new(&part).unwrap();
            fs::write(&part, "new").unwrap();
            let named = way(&file, &part, &target, replace);
            let expected = if replace { "new" } else { "old" };
            assert_eq!(fs::read_to_string(&target).unwrap(), expected);
            if replace {
                assert!(named.unwrap());
                assert_eq!(names_in(&folder), ["file"]);
            } else {
                assert!(matches!(named, Err(DownloadError::Exists { .. })), "{named:?}");
                assert_eq!(names_in(&folder), ["file", "file.part"]);
                fs::remove_file(&target).unwrap();
                assert!(way(&file, &part, &target, false).unwrap());
                assert_eq!(fs::read_to_string(&target).unwrap(), "new");
                assert_eq!(names_in(&folder), ["file"]);
            }
        }
    }

    #[test]
    fn a_file_system_without_a_guarded_rename_still_saves_the_file() {
        let (folder, target) = nothing();
        let part = folder.path().join("file.part");
        fs::write(&part, "new").unwrap();
        fs::write(&target, "old").unwrap();
        let error = rename_unguarded(&part, &target).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        fs::remove_file(&target).unwrap();
        rename_unguarded(&part, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
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

    #[test]
    fn a_path_without_a_folder_is_in_the_current_one() {
        for (path, folder) in [("file", "."), ("a/file", "a"), ("/file", "/")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }
}
