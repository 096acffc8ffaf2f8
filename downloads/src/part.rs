//! The file that bytes are in until it is whole: `NAME.part`, and beside it `NAME.part.json`, which
//! says what it is the beginning of. Everything in here may block.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::{mem, thread};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

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
    if is_there(path, sha256, replace)? {
        return Ok(Found::File);
    }
    Ok(Part::left_over(path, url)?.map_or(Found::Nothing, |part| Found::Part(part.into())))
}

/// Whether the file is there, to be kept.
///
/// # Errors
/// What is there is another file, or none that could be kept or replaced.
pub(crate) fn is_there(
    path: &Path,
    sha256: Option<[u8; 32]>,
    replace: bool,
) -> Result<bool, DownloadError> {
    let disk = |source| DownloadError::Disk { path: path.into(), source };
    let Ok(there) = path.symlink_metadata() else { return Ok(false) };
    if replace && !there.is_dir() {
        return Ok(false);
    }
    // Not a folder, a pipe, a link to nowhere.
    if !fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return Err(disk(io::Error::new(io::ErrorKind::AlreadyExists, "is there, and no file")));
    }
    if let Some(expected) = sha256 {
        let mut hash = Sha256::new();
        let hashed = File::open(path).and_then(|mut file| hash_all(&mut file, &mut hash));
        hashed.map_err(disk)?;
        if hash.finalize().as_slice() != expected {
            return Err(DownloadError::Differs { path: path.into() });
        }
    }
    Ok(true)
}

/// A part file, locked against other processes. Dropped, it stays where somebody can go on with it, or
/// where it was there before and nothing was written; else it is removed.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    /// The file it is a part of, under the name it had when it was begun.
    path: PathBuf,
    length: u64,
    hash: Sha256,
    origin: Option<Origin>,
    resumed_from: u64,
    /// Not ours to remove: it was there before, or has its final name by now.
    keep: bool,
}

impl Part {
    /// The part that an earlier run has left, if there is one. What is not of this URL stays as it is
    /// until there is something to write over it.
    ///
    /// # Errors
    /// It is in use by another process, or was not made by this program.
    pub(crate) fn left_over(path: &Path, url: &str) -> Result<Option<Self>, DownloadError> {
        if part_path(path).symlink_metadata().is_err() {
            return Ok(None);
        }
        let mut part = Self::open(path, false)?;
        part.keep = true;
        let disk = |source| DownloadError::Disk { path: part_path(path), source };
        let origin = origin_beside(path)?;
        if origin.is_none() && part.file.metadata().map_err(disk)?.len() > 0 {
            return Err(DownloadError::NotOurs { file: part_path(path) });
        }
        if let Some(origin) = origin
            && origin.url == url
            && origin.validator.is_some()
        {
            part.length = hash_all(&mut part.file, &mut part.hash).map_err(disk)?;
            part.resumed_from = part.length;
            part.origin = Some(origin);
        }
        Ok(Some(part))
    }

    /// A new part of this file.
    pub(crate) fn create(path: &Path, origin: Origin) -> Result<Self, DownloadError> {
        origin_beside(path)?;
        let mut part = Self::open(path, true)?;
        part.restart(Some(origin))?;
        Ok(part)
    }

    fn open(path: &Path, new: bool) -> Result<Self, DownloadError> {
        let part = part_path(path);
        let disk = |source| DownloadError::Disk { path: part_path(path), source };
        let file = open_plain(&part, new).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => DownloadError::InUse { part: part.clone() },
            _ => disk(error),
        })?;
        Self::lock(file, path)
    }

    /// Takes over a part file that was just opened, unless another process has it.
    fn lock(file: File, path: &Path) -> Result<Self, DownloadError> {
        let part = part_path(path);
        let disk = |source| DownloadError::Disk { path: part_path(path), source };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(DownloadError::InUse { part }),
            // Some network file systems have no locks.
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(disk(error));
            }
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        // Between the opening and the lock another process may have given the file its final name. What
        // is locked then is not the part any more.
        if !is_still(&file, &part).map_err(disk)? {
            return Err(DownloadError::InUse { part });
        }
        let (hash, path) = (Sha256::new(), path.into());
        let (length, origin, resumed_from) = (0, None, 0);
        Ok(Self { file, path, length, hash, origin, resumed_from, keep: false })
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

    /// Nobody wants the bytes any more.
    pub(crate) fn discard(mut self) {
        (self.origin, self.keep) = (None, false);
    }

    /// Throws the bytes away and begins anew.
    pub(crate) fn restart(&mut self, origin: Option<Origin>) -> Result<(), DownloadError> {
        let emptied = self.empty(origin);
        emptied.map_err(|source| DownloadError::Disk { path: part_path(&self.path), source })
    }

    fn empty(&mut self, origin: Option<Origin>) -> io::Result<()> {
        (self.length, self.resumed_from, self.hash, self.keep) = (0, 0, Sha256::new(), false);
        self.file.set_len(0)?;
        self.file.rewind()?;
        if let Some(origin) = &origin {
            write_origin(&self.path, origin)?;
        }
        self.origin = origin;
        Ok(())
    }

    /// Appends pieces as they come. Another thread hashes what was written, which takes nearly as long
    /// as to write it. After an error, length and hash are still those of the file.
    pub(crate) fn append_all(
        &mut self,
        mut pieces: impl Iterator<Item = Bytes>,
    ) -> Result<(), DownloadError> {
        let (to_hash, written) = mpsc::sync_channel::<Bytes>(8);
        let mut hash = mem::take(&mut self.hash);
        thread::scope(|scope| {
            let hashing = scope.spawn(move || {
                written.into_iter().for_each(|bytes| hash.update(&bytes));
                hash
            });
            let appended = pieces.try_for_each(|bytes| {
                self.append_by(&bytes, |file| file.write_all(&bytes))?;
                to_hash.send(bytes).map_err(io::Error::other)
            });
            drop(to_hash);
            self.hash = hashing.join().unwrap_or_else(|panic| resume_unwind(panic));
            let path = || part_path(&self.path);
            appended.map_err(|source| DownloadError::Disk { path: path(), source })
        })
    }

    fn append_by(
        &mut self,
        bytes: &[u8],
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        if let Err(error) = write(&mut self.file) {
            // Where they cannot be cut off: what was written of them are true bytes of the file, and
            // the next run finds a true beginning all the same.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(io::SeekFrom::Start(self.length));
            return Err(error);
        }
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
        let sha256 = self.hash.clone().finalize().into();
        let checked = check(self.length, sha256, expected, self.resumed_from > 0);
        if let Err(DownloadError::Checksum { .. }) = checked {
            self.restart(None)?;
        }
        checked?;
        if sync && let Err(source) = self.file.sync_all() {
            let error = DownloadError::Disk { path: part_path(&self.path), source };
            if !error.is_disk_full() {
                // Whatever did not reach the disk, the system may forget. These bytes are no file any
                // more, and no part of one.
                (self.origin, self.keep) = (None, false);
            }
            return Err(error);
        }
        rename(&part_path(&self.path), target, replace)?;
        // From here on the open file is the finished one, which `drop` must not empty.
        self.keep = true;
        // Left behind it does no harm: without its part it is nothing.
        let _ = fs::remove_file(origin_path(&self.path));
        sync_name(target, sync)?;
        let (bytes, resumed_from) = (self.length, self.resumed_from);
        Ok(Saved { path: target.into(), bytes, sha256, resumed_from })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep && self.resumable().is_none() {
            // In this order: bytes without an origin would not be ours. Nothing more can be done about
            // an error here.
            let _ = self.file.set_len(0);
            let _ = fs::remove_file(origin_path(&self.path));
            let _ = fs::remove_file(part_path(&self.path));
        }
    }
}

/// Writes a short file whose bytes are all there. Until it has its name it has one that nobody else
/// uses, `NAME.RANDOM.part`: there is nothing to go on with, and nothing to be in the way.
pub(crate) fn write_short(
    path: &Path,
    target: &Path,
    bytes: &[u8],
    expected: Expected,
    sync: bool,
    replace: bool,
) -> Result<Saved, DownloadError> {
    let sha256 = Sha256::digest(bytes).into();
    check(bytes.len() as u64, sha256, expected, false)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).suffix(".part");
    // Else it were for us alone to read.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let write = || {
        let mut part = builder.tempfile_in(folder_of(path))?;
        part.write_all(bytes)?;
        Ok(part)
    };
    let part = write().map_err(|source| DownloadError::Disk { path: target.into(), source })?;
    finish_short(part, target, sync, replace)?;
    Ok(Saved { path: target.into(), bytes: bytes.len() as u64, sha256, resumed_from: 0 })
}

/// Brings a temporary file to the disk and then gives it its name. If that fails, the file is removed.
fn finish_short(
    part: NamedTempFile,
    target: &Path,
    sync: bool,
    replace: bool,
) -> Result<(), DownloadError> {
    if sync {
        let synced = part.as_file().sync_all();
        synced.map_err(|source| DownloadError::Disk { path: target.into(), source })?;
    }
    let part = part.into_temp_path();
    rename(&part, target, replace)?;
    // The file has its final name now, so there is nothing left to remove under the temporary one.
    let _ = part.keep();
    sync_name(target, sync)
}

/// Whether so many bytes with this sum are what was expected.
fn check(
    length: u64,
    sha256: [u8; 32],
    expected: Expected,
    resumed: bool,
) -> Result<(), DownloadError> {
    if let Some(expected) = expected.length
        && expected != length
    {
        return Err(DownloadError::Short { got: length, expected });
    }
    match expected.sha256 {
        Some(expected) if expected != sha256 => {
            Err(DownloadError::Checksum { got: sha256, expected, resumed })
        }
        _ => Ok(()),
    }
}

/// Gives a file its final name, in one step.
fn rename(part: &Path, target: &Path, replace: bool) -> Result<(), DownloadError> {
    let path = || target.to_owned();
    if replace {
        return fs::rename(part, target)
            .map_err(|source| DownloadError::Disk { path: path(), source });
    }
    // A plain rename would replace a file that has come there meanwhile.
    let renamed = tempfile::TempPath::try_from_path(part).and_then(|part| {
        part.persist_noclobber(target).map_err(|error| {
            // A temporary path removes its file when it is dropped; that is not for it to do.
            let _ = error.path.keep();
            error.error
        })
    });
    renamed.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => DownloadError::Exists { path: path() },
        _ => DownloadError::Disk { path: path(), source },
    })
}

/// Brings a new name to the disk: it is an entry in the folder, which has to be synced as well.
fn sync_name(target: &Path, sync: bool) -> Result<(), DownloadError> {
    if !sync || !cfg!(unix) {
        return Ok(());
    }
    match sync_folder(folder_of(target)) {
        // Some file systems know no sync of a folder.
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

/// What stands beside a part, if anything: `None` also for an origin that was cut short.
fn origin_beside(path: &Path) -> Result<Option<Origin>, DownloadError> {
    let path = origin_path(path);
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

/// What of a part of this file is there and was not made by this program. It is never written over.
pub fn in_the_way(path: &Path) -> Option<PathBuf> {
    match Part::left_over(path, "") {
        Err(DownloadError::NotOurs { file }) => Some(file),
        _ => origin_beside(path).is_err().then(|| origin_path(path)),
    }
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

    fn origin() -> Origin {
        let validator = Some(Validator::ETag("\"one\"".into()));
        Origin { url: "http://host/".into(), name: None, validator, length: None }
    }

    /// A part that holds these bytes, of a file at this path.
    fn begun(bytes: &'static [u8]) -> (tempfile::TempDir, PathBuf, Part) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut part = Part::create(&path, origin()).unwrap();
        part.append_all(piece(bytes)).unwrap();
        (folder, path, part)
    }

    fn piece(bytes: &'static [u8]) -> impl Iterator<Item = Bytes> {
        std::iter::once(Bytes::from_static(bytes))
    }

    #[test]
    fn a_write_that_fails_half_way_leaves_a_true_beginning() {
        let (_folder, path, mut part) = begun(b"the beginning");
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
        part.append_all(piece(b" and the end")).unwrap();
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
        let (_folder, _, mut part) = begun(b"the beginning");
        let real = std::mem::replace(&mut part.file, full);
        let error = part.append_all(piece(b", and more")).unwrap_err();
        assert!(error.is_disk_full() && !error.may_pass(), "{error:?}");
        part.file = real;
        assert_eq!(part.resumable().unwrap().0, 13);
    }

    #[test]
    fn a_file_of_another_length_gets_no_name() {
        let (_folder, path, mut part) = begun(b"too short");
        let expected = Expected { length: Some(10), sha256: None };
        let error = part.finish(&path, expected, true, false).unwrap_err();
        assert!(matches!(error, DownloadError::Short { got: 9, expected: 10 }), "{error:?}");
        drop(part);
        assert!(!path.exists() && part_path(&path).exists(), "it may be gone on with");
    }

    #[test]
    fn a_file_that_has_appeared_meanwhile_is_kept() {
        let (_folder, path, mut part) = begun(b"new");
        fs::write(&path, "old").unwrap();
        let expected = Expected { length: None, sha256: None };
        let error = part.finish(&path, expected, true, false).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        part.finish(&path, expected, true, true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    /// A folder, and the path of a file in it that does not exist yet.
    fn nothing() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        (folder, path)
    }

    /// The names in a folder, sorted.
    fn names_in(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    const ANY: Expected = Expected { length: None, sha256: None };

    #[test]
    fn a_file_is_new_if_neither_it_nor_a_part_of_it_exists() {
        let (_folder, path) = nothing();
        assert!(is_new(&path));
        fs::write(part_path(&path), "").unwrap();
        assert!(!is_new(&path), "there is a part");
        fs::rename(part_path(&path), &path).unwrap();
        assert!(!is_new(&path), "there is the file");
    }

    #[test]
    fn an_existing_file_is_kept_replaced_or_an_error() {
        let (folder, path) = nothing();
        let right = Some(Sha256::digest("content").into());
        for sha256 in [None, right] {
            assert!(!is_there(&path, sha256, false).unwrap(), "nothing is there");
        }
        fs::write(&path, "content").unwrap();
        for (sha256, replace, kept) in [
            (None, false, Some(true)),
            (right, false, Some(true)),
            (Some([7; 32]), false, None),
            (None, true, Some(false)),
            (Some([7; 32]), true, Some(false)),
        ] {
            let result = is_there(&path, sha256, replace);
            assert!(result.as_ref().ok() == kept.as_ref(), "{sha256:?} {replace} {result:?}");
        }
        for replace in [false, true] {
            let result = is_there(folder.path(), None, replace);
            assert!(matches!(result, Err(DownloadError::Disk { .. })), "a folder: {result:?}");
        }
    }

    #[test]
    fn a_part_is_resumed_only_if_it_is_of_this_url_and_of_a_known_version() {
        let here = "http://host/";
        for (url, validator, bytes, resumable) in [
            (here, origin().validator, "beginning", true),
            ("http://elsewhere/", origin().validator, "beginning", false),
            (here, None, "beginning", false),
            (here, origin().validator, "", false),
        ] {
            let (folder, path) = nothing();
            assert!(Part::left_over(&path, here).unwrap().is_none());
            write_origin(&path, &Origin { url: url.into(), validator, ..origin() }).unwrap();
            fs::write(part_path(&path), bytes).unwrap();
            let part = Part::left_over(&path, here).unwrap().unwrap();
            assert_eq!(part.resumable().is_some(), resumable, "{url} {bytes:?}");
            assert_eq!(part.resumed_from > 0, resumable);
            if resumable {
                assert_eq!(part.hash.clone().finalize(), Sha256::digest(bytes));
            }
            // Nothing was written to it, so it stays for whatever made it.
            drop(part);
            assert_eq!(names_in(&folder), ["file.part", "file.part.json"]);
            assert_eq!(fs::read_to_string(part_path(&path)).unwrap(), bytes);
        }
    }

    #[test]
    fn a_part_is_ours_only_with_an_origin_that_we_wrote() {
        let ours = serde_json::to_string(&origin()).unwrap();
        for (part, origin, in_the_way_is) in [
            (None, None, None),
            // A run that ended between making a part and writing its origin, or in the middle of that.
            (Some(""), None, None),
            (Some(""), Some(""), None),
            (Some(""), Some(&ours[..20]), None),
            (Some("beginning"), Some(&*ours), None),
            (None, Some(&*ours), None),
            (Some("beginning"), None, Some(".part")),
            (Some("beginning"), Some(&ours[..20]), Some(".part")),
            (Some("beginning"), Some("precious"), Some(".part.json")),
            (None, Some("precious"), Some(".part.json")),
        ] {
            let (folder, path) = nothing();
            let files = [(part_path(&path), part), (origin_path(&path), origin)];
            for (path, text) in &files {
                text.map(|text| fs::write(path, text).unwrap());
            }
            let expected = in_the_way_is.map(|suffix| with_suffix(&path, suffix));
            assert_eq!(in_the_way(&path), expected, "{part:?} {origin:?} in {folder:?}");
            for (path, text) in &files {
                assert_eq!(
                    fs::read_to_string(path).ok().as_deref(),
                    *text,
                    "it was only looked at"
                );
            }
        }
    }

    #[test]
    fn a_part_that_got_its_final_name_before_it_was_locked_is_left_alone() {
        let (folder, path, part) = begun(b"all of it");
        // We open the part just before another process finishes it, and get the lock just after.
        let opened = open_plain(&part_path(&path), false).unwrap();
        let mut other = part;
        other.finish(&path, ANY, false, false).unwrap();
        drop(other);
        let result = Part::lock(opened, &path);
        assert!(matches!(result, Err(DownloadError::InUse { .. })), "{result:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "all of it");
        // The same if a third process has begun a new part in the meantime.
        let opened = open_plain(&path, false).unwrap();
        fs::write(part_path(&path), "").unwrap();
        let result = Part::lock(opened, &path);
        assert!(matches!(result, Err(DownloadError::InUse { .. })), "{result:?}");
        assert_eq!(names_in(&folder), ["file", "file.part"]);
    }

    #[test]
    fn two_downloads_cannot_begin_the_same_part() {
        let (_folder, path, mut first) = begun(b"the beginning");
        let second = Part::create(&path, origin());
        assert!(matches!(second, Err(DownloadError::InUse { .. })), "{second:?}");
        first.append_all(piece(b" and the end")).unwrap();
        first.finish(&path, ANY, false, false).unwrap();
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
        part.give_up();
        drop(part);
        assert_eq!(names_in(&folder), [""; 0], "it is of no use");

        let (folder, _, part) = begun(b"the beginning");
        part.discard();
        assert_eq!(names_in(&folder), [""; 0], "nobody wants it");
    }

    #[test]
    fn a_part_with_the_wrong_sum_is_not_kept_for_the_next_run() {
        let (folder, path, mut part) = begun(b"wrong");
        let expected = Expected { length: Some(5), sha256: Some([7; 32]) };
        let error = part.finish(&path, expected, false, false).unwrap_err();
        assert!(matches!(error, DownloadError::Checksum { resumed: false, .. }), "{error:?}");
        drop(part);
        assert_eq!(names_in(&folder), [""; 0]);
    }

    #[test]
    fn a_sum_is_wrong_after_a_resume_only_if_there_was_one() {
        for (resumed_from, resumed) in [(0, false), (1, true)] {
            let (_folder, path, mut part) = begun(b"wrong");
            part.resumed_from = resumed_from;
            let expected = Expected { length: None, sha256: Some([7; 32]) };
            let error = part.finish(&path, expected, false, false).unwrap_err();
            assert_eq!(error.may_pass(), resumed, "{error:?}");
        }
    }

    /// A file that cannot be synced: the system answers `InvalidInput`.
    #[cfg(unix)]
    fn unsyncable() -> File {
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        assert_eq!(null.sync_all().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        null
    }

    #[cfg(unix)]
    #[test]
    fn a_part_that_does_not_reach_the_disk_gets_no_name_and_is_not_resumed() {
        let (folder, path, mut part) = begun(b"all of it");
        let real = mem::replace(&mut part.file, unsyncable());
        let error = part.finish(&path, ANY, true, false).unwrap_err();
        assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
        assert_eq!(names_in(&folder), ["file.part", "file.part.json"]);
        part.file = real;
        drop(part);
        assert_eq!(names_in(&folder), [""; 0]);

        // Without a sync, nothing is asked of the disk.
        let (folder, path, mut part) = begun(b"all of it");
        part.file = unsyncable();
        part.finish(&path, ANY, false, false).unwrap();
        assert_eq!(names_in(&folder), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_short_file_that_does_not_reach_the_disk_gets_no_name() {
        let (folder, path) = nothing();
        let part = || {
            let (_, part) = NamedTempFile::new_in(folder.path()).unwrap().into_parts();
            NamedTempFile::from_parts(unsyncable(), part)
        };
        let error = finish_short(part(), &path, true, false).unwrap_err();
        assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
        assert_eq!(names_in(&folder), [""; 0]);
        finish_short(part(), &path, false, false).unwrap();
        assert_eq!(names_in(&folder), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_synced_if_its_file_system_can() {
        // `/dev/null` stands for a folder on a file system that cannot.
        let error = sync_folder(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        sync_name(Path::new("/dev/null/file"), true).unwrap();
        // Any other error counts, unless no sync was asked for.
        let (folder, _) = nothing();
        let missing = folder.path().join("missing/file");
        assert!(matches!(sync_name(&missing, true), Err(DownloadError::Disk { .. })));
        sync_name(&missing, false).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_a_plain_file_can_be_a_part() {
        let (_folder, path) = nothing();
        let pipe = nix::sys::stat::Mode::from_bits_truncate(0o600);
        nix::unistd::mkfifo(&part_path(&path), pipe).unwrap();
        let error = open_plain(&part_path(&path), false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn a_short_file_has_the_permissions_of_any_new_file() {
        let (folder, path) = nothing();
        write_short(&path, &path, b"short", ANY, false, false).unwrap();
        let usual = folder.path().join("usual");
        fs::write(&usual, "").unwrap();
        assert_eq!(path.metadata().unwrap().permissions(), usual.metadata().unwrap().permissions());
    }

    #[test]
    fn a_short_file_is_checked_like_a_long_one() {
        let (folder, path) = nothing();
        let right = Sha256::digest("short").into();
        for expected in [
            Expected { length: Some(6), sha256: None },
            Expected { length: Some(4), sha256: Some(right) },
            Expected { length: Some(5), sha256: Some([7; 32]) },
        ] {
            write_short(&path, &path, b"short", expected, false, false).unwrap_err();
            assert_eq!(names_in(&folder), [""; 0]);
        }
        let expected = Expected { length: Some(5), sha256: Some(right) };
        let saved = write_short(&path, &path, b"short", expected, false, false).unwrap();
        assert_eq!((saved.bytes, saved.sha256, saved.resumed_from), (5, right, 0));
        // An existing file is replaced only if that was asked for.
        let error = write_short(&path, &path, b"other", ANY, false, false).unwrap_err();
        assert!(matches!(error, DownloadError::Exists { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
        write_short(&path, &path, b"other", ANY, false, true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");
        assert_eq!(names_in(&folder), ["file"]);
    }

    #[test]
    fn a_path_without_a_folder_is_in_the_current_one() {
        for (path, folder) in [("file", "."), ("a/file", "a"), ("/file", "/")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }
}
