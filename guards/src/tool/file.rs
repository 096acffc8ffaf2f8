//! Checks the database file before SQLite opens it, so that each problem gets its own message.

use std::ffi::OsStr;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// Returns the absolute path of an existing file that we may open.
///
/// # Errors
/// Returns an error that names the path if nothing exists there, if the path names something other
/// than a file, or if we may not read the file (or, with `write`, may not write to it).
pub fn check(path: &Path, write: bool) -> anyhow::Result<PathBuf> {
    let name = path.display();
    let found = match fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{name}: no such file, and guards does not create one")
        }
        Err(error) => return Err(error).with_context(|| name.to_string()),
    };
    if !found.is_file() {
        bail!("{name}: this is {}, not a database file", kind(found));
    }
    match OpenOptions::new().read(true).write(write).open(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => match write {
            true => bail!("{name}: you have no permission to write to this file"),
            false => bail!("{name}: you have no permission to read this file"),
        },
        opened => opened.map(drop).with_context(|| name.to_string())?,
    }
    // sqlx treats `file:...` and `:memory:` specially. It uses an absolute path unchanged.
    std::path::absolute(path).with_context(|| name.to_string())
}

/// Describes a path that is not a file.
fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a named pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() { "a folder" } else { "something else" }
}

/// Returns a path to the file that is valid UTF-8, because sqlx accepts only such paths. If
/// necessary, creates a symbolic link in a temporary folder, which is removed when the second value
/// is dropped. SQLite follows the link, so it creates its own files next to the real file.
pub fn with_utf8_name(path: PathBuf) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    if path.to_str().is_some() {
        return Ok((path, None));
    }
    let folder = tempfile::tempdir()?;
    let link = folder.path().join("database");
    symlink(&path, &link).with_context(|| path.display().to_string())?;
    Ok((link, Some(folder)))
}

#[cfg(unix)]
fn symlink(path: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(path, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(ErrorKind::Unsupported, "the file name must be valid Unicode"))
}

/// Returns whether a database is in WAL mode, according to its header, but has no `-shm` file. To
/// read such a database, SQLite has to create that file.
pub fn needs_wal_files(path: &Path) -> bool {
    let mut version = [0];
    let header = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(19))?;
        file.read_exact(&mut version)
    });
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new("-shm"));
    header.is_ok() && version == [2] && !Path::new(&name).exists()
}
