//! The partial file `NAME.part`, which holds the bytes of a file until it is complete. All
//! functions in this file may block.
//!
//! A partial file goes through these states. Each arrow is a method of `Part`:
//!
//! ```text
//!   nothing ──create──►  empty, with a sidecar  ──append_all──►  some bytes
//!                                   ▲                                │
//!                                   └───────────restart──────────────┤
//!                                                                    ├──finish──►  the file has its name
//!   left by an earlier run ──left_over──► some bytes ──resume────────┤
//!                                                                    └──drop────►  kept if it can be resumed,
//!                                                                                  otherwise removed
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::finish::{Finish, has_contents};
use crate::hashing::hash_rest;
use crate::lock::{is_still, lock};
use crate::names::{part_path, sidecar_path};
use crate::naming::{folder_of, give_name, sync_name, temporary};
use crate::resume::Origin;
use crate::sidecar::{self, create_plain, is_ours, open_plain};
use crate::{DownloadError, Saved};

/// A partial file, locked against other processes.
///
/// When this is dropped, the file stays if a later run can resume it, or if it already existed and
/// we have not written to it. Otherwise the file is removed.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    /// The path of the finished file, with the name that was planned at the start.
    path: PathBuf,
    /// The path of the partial file.
    part: PathBuf,
    length: u64,
    /// The hash of the bytes so far, if the SHA-256 is needed.
    hash: Option<Sha256>,
    origin: Option<Origin>,
    resumed_from: u64,
    /// Whether the file is not ours to remove, because it already existed or has become the
    /// finished file.
    keep: bool,
}

impl Part {
    /// Opens the partial file that an earlier run has left, if there is one. If the file belongs to
    /// another URL or cannot be resumed, it stays as it is until we have new bytes to replace it.
    ///
    /// # Errors
    /// Returns [`DownloadError::InUse`] if another process uses the file,
    /// [`DownloadError::NotOurs`] if this program did not create it, and
    /// [`DownloadError::OtherUser`] if it belongs to another user.
    pub(crate) fn left_over(
        path: &Path,
        url: &str,
        hash: bool,
    ) -> Result<Option<Self>, DownloadError> {
        if part_path(path).symlink_metadata().is_err() {
            return Ok(None);
        }
        let disk = |source| DownloadError::Disk { path: part_path(path), source };
        if !part_path(path).symlink_metadata().is_ok_and(|part| part.is_file()) {
            return Err(DownloadError::NotOurs { file: part_path(path) });
        }
        let file = open_plain(&part_path(path), true).map_err(disk)?;
        if !is_ours(&file) {
            return Err(DownloadError::OtherUser { file: part_path(path) });
        }
        let mut part = Self::locked(file, path, part_path(path), hash)?;
        part.keep = true;
        let length = part.file.metadata().map_err(disk)?.len();
        let origin = sidecar::read(path)?;
        if origin.is_none() && length > 0 && !is_still(&part.file, path).unwrap_or(false) {
            return Err(DownloadError::NotOurs { file: part_path(path) });
        }
        if let Some(origin) = origin
            && origin.url == url
            && origin.validator.is_some()
            && !part.is_finished()
        {
            if let Some(hash) = &mut part.hash {
                hash_rest(&mut part.file, hash).map_err(disk)?;
            }
            part.length = part.file.seek(SeekFrom::End(0)).map_err(disk)?;
            part.resumed_from = part.length;
            part.origin = Some(origin);
        }
        Ok(Some(part))
    }

    /// Creates an empty partial file with its sidecar.
    pub(crate) fn create(path: &Path, origin: Origin, hash: bool) -> Result<Self, DownloadError> {
        sidecar::read(path)?; // fails if the file is not ours
        let part = part_path(path);
        let file = create_plain(&part).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => DownloadError::InUse { part: part.clone() },
            _ => DownloadError::Disk { path: part.clone(), source },
        })?;
        let mut part = Self::locked(file, path, part, hash)?;
        part.restart(Some(origin))?;
        Ok(part)
    }

    /// Creates an empty partial file with a random name. It has no sidecar, so it cannot be resumed.
    /// We use it if another program has put its own file in the place of `NAME.part`.
    pub(crate) fn create_spare(path: &Path, hash: bool) -> Result<Self, DownloadError> {
        let disk = |source| DownloadError::Disk { path: path.into(), source };
        let file = temporary().tempfile_in(folder_of(path)).map_err(disk)?;
        let (file, part) = file.keep().map_err(|error| disk(error.error))?;
        Self::locked(file, path, part, hash)
    }

    fn locked(file: File, path: &Path, part: PathBuf, hash: bool) -> Result<Self, DownloadError> {
        lock(&file, &part)?;
        let (path, hash) = (path.into(), hash.then(Sha256::new));
        Ok(Self { file, path, part, length: 0, hash, origin: None, resumed_from: 0, keep: false })
    }

    /// Whether an earlier run has finished this file, but was killed before it could remove the name
    /// of the partial file. The file then has two names.
    pub(crate) fn is_finished(&self) -> bool {
        #[cfg(unix)]
        let names =
            self.file.metadata().map_or(1, |file| std::os::unix::fs::MetadataExt::nlink(&file));
        #[cfg(not(unix))]
        let names = 1;
        names > 1
    }

    /// Removes the names of the partial file and its sidecar. The contents stay under other names,
    /// if there are any.
    pub(crate) fn remove_names(mut self) {
        self.keep = true;
        // In this order, because a sidecar that is left alone can be recognised later.
        let _ = fs::remove_file(&self.part);
        if self.has_sidecar() {
            let _ = fs::remove_file(sidecar_path(&self.path));
        }
    }

    fn unlink(&self) {
        // The order matters: bytes without a sidecar would not look like ours. If one of these steps
        // fails, we cannot do anything about it.
        if self.has_sidecar() {
            let _ = fs::remove_file(sidecar_path(&self.path));
        }
        let _ = fs::remove_file(&self.part);
    }

    /// Whether the partial file has the name that a sidecar describes.
    fn has_sidecar(&self) -> bool {
        self.part == part_path(&self.path)
    }

    /// Returns the length of the partial file and its origin, or `None` if it cannot be resumed.
    pub(crate) fn resumable(&self) -> Option<(u64, &Origin)> {
        let origin = self.origin.as_ref().filter(|origin| origin.validator.is_some())?;
        (self.length > 0).then_some((self.length, origin))
    }

    /// Records that the bytes appended from now on are the rest of the file.
    pub(crate) fn resume(&mut self) {
        self.resumed_from = self.length;
    }

    /// Records that this partial file cannot be resumed. The next response will replace its bytes.
    pub(crate) fn forget_origin(&mut self) {
        self.origin = None;
    }

    /// Removes the partial file.
    pub(crate) fn remove(mut self) {
        (self.origin, self.keep) = (None, false);
    }

    /// Throws the bytes away, and starts again with an empty file.
    pub(crate) fn restart(&mut self, origin: Option<Origin>) -> Result<(), DownloadError> {
        let emptied = self.truncate(origin);
        emptied.map_err(|source| DownloadError::Disk { path: self.part.clone(), source })
    }

    fn truncate(&mut self, origin: Option<Origin>) -> io::Result<()> {
        (self.length, self.resumed_from, self.keep) = (0, 0, false);
        self.hash = self.hash.as_ref().map(|_| Sha256::new());
        self.file.set_len(0)?;
        self.file.rewind()?;
        let origin = origin.filter(|_| self.has_sidecar());
        if let Some(origin) = &origin {
            sidecar::write(&self.path, origin)?;
        }
        self.origin = origin;
        Ok(())
    }

    /// Appends pieces as they arrive. After an error, the length and the hash still match the file.
    pub(crate) fn append_all(
        &mut self,
        mut pieces: impl Iterator<Item = Bytes>,
    ) -> Result<(), DownloadError> {
        let appended = pieces.try_for_each(|bytes| self.append(&bytes));
        appended.map_err(|source| DownloadError::Disk { path: self.part.clone(), source })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.append_by(bytes, |file| file.write_all(bytes))
    }

    fn append_by(
        &mut self,
        bytes: &[u8],
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Err(error) = write(&mut self.file) {
            // We cut off the bytes of this piece that were written. If that fails too, no harm is
            // done: these bytes are correct, and the next run resumes after them.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(error);
        }
        self.length += bytes.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        Ok(())
    }

    /// Checks the file, syncs it to the disk, and gives it its name. If the SHA-256 is wrong,
    /// empties the partial file. After any other error, the file stays as it is.
    pub(crate) fn finish(&mut self, target: &Path, finish: Finish) -> Result<Saved, DownloadError> {
        let sha256 = self.hash.clone().map(|hash| hash.finalize().into());
        let checked = finish.check(self.length, sha256, self.resumed_from > 0);
        if let Err(DownloadError::Checksum { .. }) = checked {
            self.restart(None)?;
        }
        checked?;
        if finish.sync
            && let Err(source) = self.file.sync_all()
        {
            let error = DownloadError::Disk { path: self.part.clone(), source };
            if !error.is_disk_full() {
                // The system may discard bytes that it could not write to the disk, so we can no
                // longer trust this file.
                (self.origin, self.keep) = (None, false);
            }
            return Err(error);
        }
        let named = give_name(&self.file, &self.part, target, finish.replace);
        if let Err(DownloadError::Replaced { .. }) = named {
            (self.origin, self.keep) = (None, true);
            self.remove_lost_sidecar();
        }
        let is_guarded = named?;
        // From here on, the open file is the finished one, which `drop` must not empty.
        self.keep = true;
        self.remove_lost_sidecar();
        sync_name(target, finish.sync)?;
        let (bytes, resumed_from) = (self.length, self.resumed_from);
        Ok(Saved { path: target.into(), bytes, sha256, resumed_from, is_guarded })
    }

    /// Removes the sidecar when our file is no longer called `NAME.part`. Otherwise, the sidecar would
    /// describe any file that another program puts there. But if another download has begun there, the
    /// sidecar belongs to that download. If we cannot remove the sidecar, no harm is done: without its
    /// partial file, it means nothing.
    fn remove_lost_sidecar(&self) {
        let is_in_use = open_plain(&self.part, false)
            .is_ok_and(|other| matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        if self.has_sidecar() && !is_in_use {
            let _ = fs::remove_file(sidecar_path(&self.path));
        }
    }

    /// Whether the file at `path` has the same contents as this one.
    pub(crate) fn is_same_as(&mut self, path: &Path) -> io::Result<bool> {
        self.file.rewind()?;
        has_contents(path, &self.file, self.length)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep && self.resumable().is_none() {
            let _ = self.file.set_len(0);
            if is_still(&self.file, &self.part).unwrap_or(false) {
                self.unlink();
            } else {
                self.remove_lost_sidecar();
            }
        }
    }
}

/// If a file that this program did not create for this user is in the way of the partial file for
/// `path`, or of its sidecar, returns the error that names that file. Such a file is never
/// overwritten.
pub fn in_the_way(path: &Path) -> Option<DownloadError> {
    match Part::left_over(path, "", false) {
        Err(error @ (DownloadError::NotOurs { .. } | DownloadError::OtherUser { .. })) => {
            Some(error)
        }
        _ => sidecar::read(path).err(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::mem;

    use super::*;
    use crate::resume::Validator;
    use crate::retry::is_transient;
    use crate::testing::{ANY, names_in, nothing};

    fn origin() -> Origin {
        let validator = Some(Validator::ETag("\"one\"".into()));
        Origin {
            url: "http://host/".into(),
            source: None,
            name: None,
            validator,
            modified: None,
            length: None,
        }
    }

    /// Creates a partial file with these bytes.
    fn begun(bytes: &'static [u8]) -> (tempfile::TempDir, PathBuf, Part) {
        let (folder, path) = nothing();
        let mut part = Part::create(&path, origin(), true).unwrap();
        part.append_all(piece(bytes)).unwrap();
        (folder, path, part)
    }

    fn piece(bytes: &'static [u8]) -> impl Iterator<Item = Bytes> {
        std::iter::once(Bytes::from_static(bytes))
    }

    #[test]
    fn a_write_that_fails_halfway_leaves_a_valid_beginning() {
        let (_folder, path, mut part) = begun(b"the beginning");
        // Simulates a disk that is full after three more bytes.
        let full = |file: &mut File| {
            file.write_all(b", a")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        assert_eq!(
            part.append_by(b", and more", full).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert_eq!(fs::read_to_string(part_path(&path)).unwrap(), "the beginning");
        assert_eq!(part.resumable().unwrap().0, 13);
        part.append_all(piece(b" and the end")).unwrap();
        let finish = Finish { length: Some(25), sync: true, ..ANY };
        let saved = part.finish(&path, finish).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the beginning and the end");
        let sum: [u8; 32] = Sha256::digest(b"the beginning and the end").into();
        assert_eq!(saved.sha256, Some(sum));
    }

    #[test]
    fn a_full_disk_is_recognised() {
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            return eprintln!("skipped: there is no /dev/full");
        };
        let (_folder, _, mut part) = begun(b"the beginning");
        let real = mem::replace(&mut part.file, full);
        let error = part.append_all(piece(b", and more")).unwrap_err();
        assert!(error.is_disk_full() && !is_transient(&error), "{error:?}");
        part.file = real;
        assert_eq!(part.resumable().unwrap().0, 13);
    }

    #[test]
    fn a_file_of_the_wrong_length_is_not_renamed() {
        let (_folder, path, mut part) = begun(b"too short");
        let finish = Finish { length: Some(10), sync: true, ..ANY };
        let error = part.finish(&path, finish).unwrap_err();
        assert!(matches!(error, DownloadError::Short { got: 9, expected: 10 }), "{error:?}");
        drop(part);
        assert!(
            !path.exists() && part_path(&path).exists(),
            "the part must stay, because it can be resumed"
        );
    }

    #[test]
    fn a_file_that_appears_during_the_download_is_kept() {
        let (_folder, path, mut part) = begun(b"new");
        fs::write(&path, "old").unwrap();
        let finish = Finish { sync: true, ..ANY };
        let error = part.finish(&path, finish).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        part.finish(&path, Finish { replace: true, ..finish }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn a_part_is_resumed_only_if_it_belongs_to_this_url_and_a_known_version() {
        let here = "http://host/";
        for (url, validator, bytes, resumable) in [
            (here, origin().validator, "beginning", true),
            ("http://elsewhere/", origin().validator, "beginning", false),
            (here, None, "beginning", false),
            (here, origin().validator, "", false),
        ] {
            for hash in [false, true] {
                let (folder, path) = nothing();
                assert!(Part::left_over(&path, here, hash).unwrap().is_none());
                let validator = validator.clone();
                sidecar::write(&path, &Origin { url: url.into(), validator, ..origin() }).unwrap();
                fs::write(part_path(&path), bytes).unwrap();
                let part = Part::left_over(&path, here, hash).unwrap().unwrap();
                assert_eq!(part.resumable().is_some(), resumable, "{url} {bytes:?}");
                assert_eq!(part.resumed_from > 0, resumable);
                if resumable && hash {
                    let sum = part.hash.clone().unwrap().finalize();
                    assert_eq!(sum, Sha256::digest(bytes));
                }
                // We have written nothing to this file, so it stays as it was.
                drop(part);
                assert_eq!(names_in(&folder), ["file.part", "file.part.json"]);
                assert_eq!(fs::read_to_string(part_path(&path)).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_resumed_part_is_hashed_from_its_beginning_if_somebody_asks_for_it() {
        for (hash, sum) in [(false, None), (true, Some(Sha256::digest("all of it").into()))] {
            let (_folder, path, part) = begun(b"all ");
            drop(part);
            let mut part = Part::left_over(&path, "http://host/", hash).unwrap().unwrap();
            part.append_all(piece(b"of it")).unwrap();
            let saved = part.finish(&path, ANY).unwrap();
            assert_eq!((saved.bytes, saved.sha256, saved.resumed_from), (9, sum, 4));
            assert_eq!(fs::read_to_string(&path).unwrap(), "all of it");
        }
    }

    #[test]
    fn a_part_is_ours_only_with_a_sidecar_that_we_wrote() {
        let ours = serde_json::to_string(&origin()).unwrap();
        for (part, sidecar, in_the_way_is) in [
            (None, None, None),
            // These runs were killed after they had created the part, before or while they wrote
            // the sidecar.
            (Some(""), None, None),
            (Some(""), Some(""), None),
            (Some(""), Some(&ours[..20]), None),
            (Some("beginning"), Some(&*ours), None),
            (None, Some(&*ours), None),
            (Some("beginning"), None, Some(part_path as fn(&Path) -> PathBuf)),
            (Some("beginning"), Some(&ours[..20]), Some(part_path)),
            (Some("beginning"), Some("precious"), Some(sidecar_path)),
            (None, Some("precious"), Some(sidecar_path)),
        ] {
            let (folder, path) = nothing();
            let files = [(part_path(&path), part), (sidecar_path(&path), sidecar)];
            for (path, text) in &files {
                text.map(|text| fs::write(path, text).unwrap());
            }
            let expected = in_the_way_is.map(|place| place(&path));
            let seen = in_the_way(&path).map(|error| match error {
                DownloadError::NotOurs { file } => file,
                other => panic!("{other:?}"),
            });
            assert_eq!(seen, expected, "{part:?} {sidecar:?} in {folder:?}");
            for (path, text) in &files {
                let after = fs::read_to_string(path).ok();
                assert_eq!(after.as_deref(), *text, "`in_the_way` must not change any file");
            }
        }
    }

    #[test]
    fn a_part_that_got_its_final_name_before_it_was_locked_is_left_alone() {
        let (folder, path, part) = begun(b"all of it");
        // We open the part just before another process finishes it, and get the lock just after
        // that.
        let opened = open_plain(&part_path(&path), true).unwrap();
        let mut other = part;
        other.finish(&path, ANY).unwrap();
        drop(other);
        let result = Part::locked(opened, &path, part_path(&path), false);
        assert!(matches!(result, Err(DownloadError::InUse { .. })), "{result:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "all of it");
        // The same happens if a third process has begun a new part in the meantime.
        let opened = open_plain(&path, true).unwrap();
        fs::write(part_path(&path), "").unwrap();
        let result = Part::locked(opened, &path, part_path(&path), false);
        assert!(matches!(result, Err(DownloadError::InUse { .. })), "{result:?}");
        assert_eq!(names_in(&folder), ["file", "file.part"]);
    }

    #[test]
    fn the_sidecar_of_another_download_is_left_alone() {
        let (folder, path, mut first) = begun(b"the first");
        // Somebody moves our part away, and another download begins.
        fs::rename(part_path(&path), folder.path().join("moved")).unwrap();
        let mut second = Part::create(&path, origin(), false).unwrap();
        second.append_all(piece(b"the second")).unwrap();
        first.finish(&path, Finish { replace: true, ..ANY }).unwrap();
        drop(first);
        assert_eq!(names_in(&folder), ["file", "file.part", "file.part.json", "moved"]);
    }

    #[test]
    fn two_downloads_cannot_begin_the_same_part() {
        let (_folder, path, mut first) = begun(b"the beginning");
        let second = Part::create(&path, origin(), false);
        assert!(matches!(second, Err(DownloadError::InUse { .. })), "{second:?}");
        first.append_all(piece(b" and the end")).unwrap();
        first.finish(&path, ANY).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the beginning and the end");
    }

    #[test]
    fn a_dropped_part_stays_only_if_it_can_be_resumed() {
        let (folder, _, part) = begun(b"the beginning");
        drop(part);
        assert_eq!(names_in(&folder), ["file.part", "file.part.json"]);

        let (folder, _, part) = begun(b"");
        drop(part);
        assert_eq!(names_in(&folder), [""; 0], "there is nothing to resume");

        let (folder, _, mut part) = begun(b"the beginning");
        part.forget_origin();
        drop(part);
        assert_eq!(names_in(&folder), [""; 0], "it cannot be resumed");

        let (folder, _, part) = begun(b"the beginning");
        part.remove();
        assert_eq!(names_in(&folder), [""; 0]);
    }

    #[test]
    fn a_part_with_the_wrong_sha256_is_not_kept_for_the_next_run() {
        let (folder, path, mut part) = begun(b"wrong");
        let finish = Finish { length: Some(5), sha256: Some([7; 32]), ..ANY };
        let error = part.finish(&path, finish).unwrap_err();
        assert!(matches!(error, DownloadError::Checksum { resumed: false, .. }), "{error:?}");
        drop(part);
        assert_eq!(names_in(&folder), [""; 0]);
    }

    #[test]
    fn a_wrong_sha256_is_transient_only_after_a_resume() {
        for (resumed_from, resumed) in [(0, false), (1, true)] {
            let (_folder, path, mut part) = begun(b"wrong");
            part.resumed_from = resumed_from;
            let finish = Finish { sha256: Some([7; 32]), ..ANY };
            let error = part.finish(&path, finish).unwrap_err();
            assert_eq!(is_transient(&error), resumed, "{error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_part_that_cannot_be_synced_is_neither_renamed_nor_resumed() {
        use crate::testing::unsyncable;
        let (folder, path, mut part) = begun(b"all of it");
        let real = mem::replace(&mut part.file, unsyncable());
        let error = part.finish(&path, Finish { sync: true, ..ANY }).unwrap_err();
        assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
        assert_eq!(names_in(&folder), ["file.part", "file.part.json"]);
        part.file = real;
        drop(part);
        assert_eq!(names_in(&folder), [""; 0]);

        // Without a sync, there is no such error.
        let (_folder, path, mut part) = begun(b"all of it");
        part.file = unsyncable();
        // This is not the file with that name, but it is not synced.
        let error = part.finish(&path, ANY).unwrap_err();
        assert!(matches!(error, DownloadError::Replaced { .. }), "{error:?}");
    }
}
