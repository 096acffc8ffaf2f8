//! The file that bytes are in until it is whole: `NAME.part`, and beside it `NAME.part.json`, which
//! says what it is the beginning of. Everything in here may block.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::resume::Origin;
use crate::{DownloadError, Saved};

/// Where the bytes for `path` are until it is whole.
pub fn part_path(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

/// What they are the beginning of.
pub fn origin_path(path: &Path) -> PathBuf {
    with_suffix(path, ".part.json")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What a file must be to get its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) length: Option<u64>,
    pub(crate) sha256: Option<[u8; 32]>,
}

/// What there is before anything is asked for.
pub(crate) enum Found {
    /// The file itself, to be kept.
    File,
    /// A part of it.
    Part(Box<Part>),
    Nothing,
}

/// Whether nothing of a file is there, neither as a whole nor in part.
pub(crate) fn is_new(path: &Path) -> bool {
    path.symlink_metadata().is_err() && part_path(path).symlink_metadata().is_err()
}

/// Looks for the file, and for a part of it.
pub(crate) fn look(
    path: &Path,
    url: &str,
    sha256: Option<[u8; 32]>,
    replace: bool,
) -> Result<Found, DownloadError> {
    let disk = |source| DownloadError::Disk { path: path.into(), source };
    let there = path.symlink_metadata();
    if there.as_ref().is_ok_and(|there| there.is_dir()) {
        return Err(disk(io::ErrorKind::IsADirectory.into()));
    }
    if !replace && there.is_ok() {
        let Some(expected) = sha256 else { return Ok(Found::File) };
        let mut hash = Sha256::new();
        let hashed = File::open(path).and_then(|mut file| hash_all(&mut file, &mut hash));
        hashed.map_err(disk)?;
        if hash.finalize().as_slice() == expected {
            return Ok(Found::File);
        }
        return Err(DownloadError::Differs { path: path.into() });
    }
    Ok(Part::left_over(path, url)?.map_or(Found::Nothing, |part| Found::Part(part.into())))
}

/// A part file, locked against other processes. Dropped, it stays for the next run, unless that could
/// not go on with it: then it is removed.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    /// The file it is a part of, under the name it had when it was begun.
    path: PathBuf,
    length: u64,
    hash: Sha256,
    origin: Option<Origin>,
    /// There is a file that tells the origin, or there may be one.
    has_sidecar: bool,
    resumed_from: u64,
    done: bool,
}

impl Part {
    /// The part that an earlier run has left for this URL, if there is one.
    ///
    /// # Errors
    /// It is in use by another process, or was not made by this program.
    pub(crate) fn left_over(path: &Path, url: &str) -> Result<Option<Self>, DownloadError> {
        if part_path(path).symlink_metadata().is_err() {
            return Ok(None);
        }
        let mut part = Self::open(path, false)?;
        let disk = |source| DownloadError::Disk { path: part_path(path), source };
        let origin = read_origin(path).ok();
        if origin.is_none() && part.file.metadata().map_err(disk)?.len() > 0 {
            part.done = true; // not ours to remove
            return Err(DownloadError::NotOurs { part: part_path(path) });
        }
        if origin.as_ref().is_some_and(|origin| origin.url == url && origin.validator.is_some()) {
            part.length = hash_all(&mut part.file, &mut part.hash).map_err(disk)?;
            part.resumed_from = part.length;
            part.origin = origin;
        } else {
            part.restart(None)?;
        }
        Ok(Some(part))
    }

    /// A new part. `origin` is kept beside it; without one, nothing is ever gone on with.
    pub(crate) fn create(path: &Path, origin: Option<Origin>) -> Result<Self, DownloadError> {
        let mut part = Self::open(path, true)?;
        if let Some(origin) = &origin {
            let disk = |source| DownloadError::Disk { path: part_path(path), source };
            write_origin(path, origin).map_err(disk)?;
            part.has_sidecar = true;
        }
        part.origin = origin;
        Ok(part)
    }

    fn open(path: &Path, new: bool) -> Result<Self, DownloadError> {
        let part = part_path(path);
        let disk = |source| DownloadError::Disk { path: part_path(path), source };
        let file = open_plain(&part, new).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => DownloadError::InUse { part: part.clone() },
            _ => disk(error),
        })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(DownloadError::InUse { part }),
            // Some network file systems have no locks.
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(disk(error));
            }
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        // Between the opening and the lock another process may have given the file its final name. What
        // is locked then is not the part any more. A new file is nobody else's.
        if !new && !is_still(&file, &part).map_err(disk)? {
            return Err(DownloadError::InUse { part });
        }
        let (hash, path) = (Sha256::new(), path.into());
        let (length, origin, resumed_from) = (0, None, 0);
        Ok(Self { file, path, length, hash, origin, has_sidecar: !new, resumed_from, done: false })
    }

    /// How many bytes there are, and of what; `None` where they cannot be gone on with.
    pub(crate) fn resumable(&self) -> Option<(u64, &Origin)> {
        let origin = self.origin.as_ref().filter(|origin| origin.validator.is_some())?;
        (self.length > 0).then_some((self.length, origin))
    }

    /// What is appended now is the rest.
    pub(crate) fn go_on(&mut self) {
        self.resumed_from = self.length;
    }

    /// The bytes are of no use: the next answer is written over them.
    pub(crate) fn give_up(&mut self) {
        self.origin = None;
    }

    /// Throws the bytes away and begins anew.
    pub(crate) fn restart(&mut self, origin: Option<Origin>) -> Result<(), DownloadError> {
        let emptied = self.empty(origin);
        emptied.map_err(|source| DownloadError::Disk { path: part_path(&self.path), source })
    }

    fn empty(&mut self, origin: Option<Origin>) -> io::Result<()> {
        (self.length, self.resumed_from, self.hash) = (0, 0, Sha256::new());
        self.file.set_len(0)?;
        self.file.rewind()?;
        if let Some(origin) = &origin {
            write_origin(&self.path, origin)?;
            self.has_sidecar = true;
        }
        self.origin = origin;
        Ok(())
    }

    /// Appends. After an error, the bytes counted are still those of the file.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let appended = self.append_by(bytes, |file| file.write_all(bytes));
        appended.map_err(|source| DownloadError::Disk { path: part_path(&self.path), source })
    }

    fn append_by(
        &mut self,
        bytes: &[u8],
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Err(error) = write(&mut self.file) {
            // Where it cannot be cut off, the next run still finds a true beginning.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(io::SeekFrom::Start(self.length));
            return Err(error);
        }
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Checks the file, brings it to the disk, and gives it its name: in this order, so that there is
    /// never a wrong file under it. A part with the wrong sum is emptied; any other stays as it is.
    pub(crate) fn finish(
        &mut self,
        target: &Path,
        expected: Expected,
        sync: bool,
        replace: bool,
    ) -> Result<Saved, DownloadError> {
        let (bytes, resumed_from) = (self.length, self.resumed_from);
        if let Some(expected) = expected.length
            && expected != bytes
        {
            return Err(DownloadError::Short { got: bytes, expected });
        }
        let sha256 = self.hash.clone().finalize().into();
        if let Some(expected) = expected.sha256
            && expected != sha256
        {
            self.restart(None)?;
            let resumed = resumed_from > 0;
            return Err(DownloadError::Checksum { got: sha256, expected, resumed });
        }
        let path = target.to_owned();
        match self.give_name(target, sync, replace) {
            Ok(()) => Ok(Saved { path, bytes, sha256, resumed_from }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(DownloadError::Exists { path })
            }
            Err(source) => Err(DownloadError::Disk { path, source }),
        }
    }

    fn give_name(&mut self, target: &Path, sync: bool, replace: bool) -> io::Result<()> {
        // Were the name on the disk before the bytes, a power cut in between would leave an empty
        // file under it.
        if sync {
            self.file.sync_all()?;
        }
        let part = part_path(&self.path);
        if replace {
            fs::rename(part, target)?;
        } else {
            // A plain rename would replace a file that has come there meanwhile.
            tempfile::TempPath::try_from_path(part)?.persist_noclobber(target).map_err(
                |error| {
                    // The part removes itself when the temporary path is dropped; it shall not.
                    let _ = error.path.keep();
                    error.error
                },
            )?;
        }
        self.done = true;
        if self.has_sidecar {
            // Left behind it does no harm: without its part it is nothing.
            let _ = fs::remove_file(origin_path(&self.path));
        }
        // The new name is an entry in the folder, which has to reach the disk as well.
        #[cfg(unix)]
        if sync && let Some(folder) = target.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.done && self.resumable().is_none() {
            // Nothing more can be done about an error here.
            let _ = fs::remove_file(part_path(&self.path));
            if self.has_sidecar {
                let _ = fs::remove_file(origin_path(&self.path));
            }
        }
    }
}

/// Opens a plain file to read and write; never what a symbolic link points to.
fn open_plain(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        nix::fcntl::OFlag::O_NOFOLLOW.bits(),
    );
    let file = options.open(path)?;
    // Elsewhere a link is looked for instead; and a pipe or a device is no file. What is new is one.
    if new || path.symlink_metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"))
    }
}

/// Whether the file that was opened is the one that has this name now.
fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    let opened = same_file::Handle::from_file(file.try_clone()?)?;
    Ok(same_file::Handle::from_path(path).is_ok_and(|named| named == opened))
}

/// Reads a file from its beginning and returns its length.
fn hash_all(file: &mut File, hash: &mut Sha256) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 18];
    let mut length = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(length),
            bytes => {
                hash.update(&buffer[..bytes]);
                length += bytes as u64;
            }
        }
    }
}

fn read_origin(path: &Path) -> io::Result<Origin> {
    let mut text = String::new();
    open_plain(&origin_path(path), false)?.take(1 << 16).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Whether a part of this file is there that this program has not made. It is never written over.
pub fn is_in_the_way(path: &Path) -> bool {
    part_path(path).symlink_metadata().is_ok_and(|part| !part.is_file() || part.len() > 0)
        && read_origin(path).is_err()
}

/// Writes the origin. The part is empty at this moment: should this be cut short, nothing is lost, and
/// the next run finds no bytes without an origin.
fn write_origin(path: &Path, origin: &Origin) -> io::Result<()> {
    let path = origin_path(path);
    // Not written over: what is there may be a symbolic link.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    open_plain(&path, true)?.write_all(&serde_json::to_vec(origin)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resume::Validator;

    fn origin() -> Option<Origin> {
        let validator = Some(Validator::ETag("\"one\"".into()));
        Some(Origin { url: "http://host/".into(), validator, length: None })
    }

    #[test]
    fn a_write_that_fails_half_way_leaves_a_true_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut part = Part::create(&path, origin()).unwrap();
        part.append(b"the beginning").unwrap();
        // A disk that is full after three more bytes.
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
        part.append(b" and the end").unwrap();
        let expected = Expected { length: Some(25), sha256: None };
        let saved = part.finish(&path, expected, true, false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the beginning and the end");
        assert_eq!(saved.sha256, <[u8; 32]>::from(Sha256::digest(b"the beginning and the end")));
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            return eprintln!("skipped: there is no /dev/full");
        };
        let folder = tempfile::tempdir().unwrap();
        let mut part = Part::create(&folder.path().join("file"), origin()).unwrap();
        part.append(b"the beginning").unwrap();
        let real = std::mem::replace(&mut part.file, full);
        let error = part.append(b", and more").unwrap_err();
        assert!(error.is_disk_full() && !error.may_pass(), "{error:?}");
        part.file = real;
        assert_eq!(part.resumable().unwrap().0, 13);
    }

    #[test]
    fn a_file_of_another_length_gets_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut part = Part::create(&path, origin()).unwrap();
        part.append(b"too short").unwrap();
        let expected = Expected { length: Some(10), sha256: None };
        let error = part.finish(&path, expected, true, false).unwrap_err();
        assert!(matches!(error, DownloadError::Short { got: 9, expected: 10 }), "{error:?}");
        drop(part);
        assert!(!path.exists() && part_path(&path).exists(), "it may be gone on with");
    }

    #[test]
    fn a_file_that_has_appeared_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut part = Part::create(&path, origin()).unwrap();
        part.append(b"new").unwrap();
        fs::write(&path, "old").unwrap();
        let expected = Expected { length: None, sha256: None };
        let error = part.finish(&path, expected, true, false).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        part.finish(&path, expected, true, true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
