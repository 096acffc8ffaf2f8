//! The last steps of a download: check the file, sync it to the disk, and give it its name.
//!
//! The order matters. Once a file has its name, we cannot go back, so the checks come first. And
//! the bytes have to reach the disk before the name does. Otherwise, a power cut in between could
//! leave an empty file under that name.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::ErrorKind;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

#[cfg(target_os = "linux")]
use crate::lock::is_still;
#[cfg(target_os = "linux")]
use crate::naming::link;
use crate::naming::{folder_of, give_name, sync_name, temporary};
use crate::sidecar::open_plain;
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
/// be resumed. Until the file is complete, it has no name (on Linux), or a random one.
pub(crate) fn write_short(
    target: &Path,
    bytes: &[u8],
    finish: Finish,
) -> Result<Saved, DownloadError> {
    let hash = finish.hash || finish.sha256.is_some();
    let sha256 = hash.then(|| Sha256::digest(bytes).into());
    finish.check(bytes.len() as u64, sha256, false)?;
    let is_guarded = match write_nameless(target, bytes, finish)? {
        true => true,
        false => write_named(target, bytes, finish)?,
    };
    sync_name(target, finish.sync)?;
    let bytes = bytes.len() as u64;
    Ok(Saved { path: target.into(), bytes, sha256, resumed_from: 0, is_guarded })
}

/// Writes the bytes to a file without a name, and then gives it one. If the program is killed in
/// between, nothing is left. Returns `false` if this system cannot do that.
#[cfg(target_os = "linux")]
fn write_nameless(target: &Path, bytes: &[u8], finish: Finish) -> Result<bool, DownloadError> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.write(true).mode(0o666).custom_flags(nix::fcntl::OFlag::O_TMPFILE.bits());
    let Ok(mut file) = options.open(folder_of(target)) else { return Ok(false) };
    write_all(&mut file, target, bytes, finish)?;
    match link(&file, target, finish.replace) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(DownloadError::Exists { path: target.into() })
        }
        Ok(()) if finish.replace && !is_still(&file, target).unwrap_or(true) => {
            Err(DownloadError::Replaced { part: target.into() })
        }
        linked => Ok(linked.is_ok()),
    }
}

/// Only Linux has files without a name.
#[cfg(not(target_os = "linux"))]
fn write_nameless(_: &Path, _: &[u8], _: Finish) -> Result<bool, DownloadError> {
    Ok(false)
}

/// Writes the bytes to a file with a random name, and then gives it its final name. If that fails,
/// removes the file. Returns the same as [`give_name`].
fn write_named(target: &Path, bytes: &[u8], finish: Finish) -> Result<bool, DownloadError> {
    let part = temporary().tempfile_in(folder_of(target));
    let part = part.map_err(|source| DownloadError::Disk { path: target.into(), source })?;
    let (mut file, part) = part.into_parts();
    let _ = file.try_lock(); // another run must not take this file for a leftover
    write_all(&mut file, target, bytes, finish)?;
    let is_guarded = give_name(&file, &part, target, finish.replace)?;
    // The file has its final name, so there is nothing left to remove under the temporary one.
    let _ = part.keep();
    Ok(is_guarded)
}

fn write_all(
    file: &mut File,
    target: &Path,
    bytes: &[u8],
    finish: Finish,
) -> Result<(), DownloadError> {
    let written =
        file.write_all(bytes).and_then(|()| if finish.sync { file.sync_all() } else { Ok(()) });
    written.map_err(|source| DownloadError::Disk { path: target.into(), source })
}

/// Whether the file at `path` has these contents, which are `length` bytes.
pub(crate) fn has_contents(path: &Path, mut ours: impl Read, length: u64) -> io::Result<bool> {
    let mut theirs = open_plain(path, false)?;
    if theirs.metadata()?.len() != length {
        return Ok(false);
    }
    let (mut our_bytes, mut their_bytes) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let bytes = ours.read(&mut our_bytes)?;
        if bytes == 0 {
            return Ok(true);
        }
        theirs.read_exact(&mut their_bytes[..bytes])?;
        if our_bytes[..bytes] != their_bytes[..bytes] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{ANY, names_in, nothing};

    #[cfg(unix)]
    #[test]
    fn a_short_file_that_cannot_be_synced_is_not_saved() {
        let (_folder, path) = nothing();
        let write = |sync| {
            let mut file = crate::testing::unsyncable();
            write_all(&mut file, &path, b"short", Finish { sync, ..ANY })
        };
        let error = write(true).unwrap_err();
        assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
        write(false).unwrap();
    }

    #[test]
    fn a_short_file_that_cannot_be_written_leaves_nothing() {
        let (folder, path) = nothing();
        fs::write(&path, "theirs").unwrap();
        for write in [write_nameless, write_named] {
            match write(&path, b"short", ANY) {
                Err(DownloadError::Exists { .. }) | Ok(false) => {}
                other => panic!("{other:?}"),
            }
            assert_eq!(names_in(&folder), ["file"]);
            assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        }
        // The longest name that a file system allows.
        let longest = folder.path().join("x".repeat(255));
        write_named(&longest, b"short", ANY).unwrap();
        assert_eq!(fs::read_to_string(&longest).unwrap(), "short");
    }

    #[test]
    fn contents_are_compared_to_their_last_byte() {
        let (_folder, path) = nothing();
        let long = vec![7; (1 << 16) + 1];
        fs::write(&path, &long).unwrap();
        let mut other = long.clone();
        other[1 << 16] = 8;
        for (ours, same) in [(&long, true), (&other, false), (&vec![7; 1 << 16], false)] {
            assert_eq!(has_contents(&path, &ours[..], ours.len() as u64).unwrap(), same);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_short_file_has_the_permissions_of_any_new_file() {
        let (folder, path) = nothing();
        write_short(&path, b"short", ANY).unwrap();
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
            write_short(&path, b"short", finish).unwrap_err();
            assert_eq!(names_in(&folder), [""; 0]);
        }
        let finish = Finish { length: Some(5), sha256: Some(right), ..ANY };
        let saved = write_short(&path, b"short", finish).unwrap();
        assert_eq!((saved.bytes, saved.sha256, saved.resumed_from), (5, Some(right), 0));
        // An existing file is replaced only if the caller asks for it.
        let error = write_short(&path, b"other", ANY).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
        write_short(&path, b"other", Finish { replace: true, ..ANY }).unwrap();
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
            assert_eq!(write_short(&path, b"short", finish).unwrap().sha256, expected);
        }
    }
}
