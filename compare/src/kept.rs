//! Results, as they are kept for the report and for later runs: one file for each command, in one form.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::Machine;

/// A result, and what it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// What kind of file this is, and of which form.
    pub kind: String,
    pub machine: Machine,
    pub result: T,
}

impl<T> Kept<T> {
    /// A result, and the machine as it was before.
    pub fn new(kind: &str, machine: Machine, result: T) -> Self {
        Self { kind: kind.into(), machine, result }
    }
}

/// The folder of the workspace that this program was built from.
///
/// # Errors
/// It is not there any more.
pub fn workspace() -> anyhow::Result<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a workspace")?;
    ensure!(
        folder.join("Cargo.toml").is_file(),
        "{}: the sources that this program was built from are not there any more",
        folder.display()
    );
    Ok(folder.into())
}

/// Where results are kept unless something else is said: with the sources, or here where those are
/// gone. Figures of a debug build are never mixed with others.
pub fn folder() -> PathBuf {
    let folder = workspace().unwrap_or_default().join("target/compare");
    if cfg!(debug_assertions) { folder.join("debug") } else { folder }
}

/// Writes a result. The file has its name only once it is whole.
///
/// # Errors
/// It cannot be written.
pub fn save(result: &impl Serialize, file: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_vec(result).context("as JSON")?;
    write(&text, file)
}

/// Writes a file, which has its name only once it is whole, and makes its folder. What is no regular file,
/// such as a pipe, is written to as it is.
///
/// # Errors
/// It cannot be written, or is a folder; then nothing is left behind.
pub fn write(text: &[u8], file: &Path) -> anyhow::Result<()> {
    let write = || match fs::metadata(file) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => fs::write(file, text),
        // A link stays, and what it leads to is written.
        Ok(_) => replace(text, &fs::canonicalize(file)?),
        Err(_) => {
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            replace(text, file)
        }
    };
    write().with_context(|| file.display().to_string())
}

fn replace(text: &[u8], file: &Path) -> io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let replaced = fs::write(&part, text).and_then(|()| fs::rename(&part, file));
    if replaced.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&part);
    }
    replaced
}

/// Reads what was kept of this kind.
///
/// # Errors
/// The file is not there, or not of this kind.
pub fn load<T: DeserializeOwned>(file: &Path, kind: &str) -> anyhow::Result<T> {
    let name = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(name)?;
    let foreign = || format!("{}: these are no results of `{}`", name(), command(kind));
    let value: Value = serde_json::from_str(&text).with_context(foreign)?;
    match value["kind"].as_str() {
        Some(its_kind) if its_kind == kind => serde_json::from_value(value).with_context(foreign),
        Some(its_kind) if command(its_kind) == command(kind) => {
            bail!("{}: kept by another version of this program: {its_kind}", name())
        }
        _ => bail!(foreign()),
    }
}

/// A kind without the number of its form.
fn command(kind: &str) -> &str {
    kind.rsplit_once(' ').map_or(kind, |(command, _)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_results_can_be_loaded_and_other_files_are_rejected() {
        const KIND: &str = "compare things 2";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/things.json");
        let kept = Kept::new(KIND, Machine::look(), vec![1, 2]);
        save(&kept, &file).unwrap();
        assert_eq!(load::<Kept<Vec<u32>>>(&file, KIND).unwrap(), kept);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no part is left");

        for (text, complaint) in [
            ("", "things.json: these are no results of `compare things`: EOF"),
            ("{}", "things.json: these are no results of `compare things`"),
            ("[1, 2]", "these are no results of `compare things`"),
            (r#"{"kind": "compare others 2"}"#, "these are no results of `compare things`"),
            (r#"{"kind": "compare things 2"}"#, "no results of `compare things`: missing field"),
            (r#"{"kind": "compare things 1"}"#, "kept by another version of this program"),
        ] {
            fs::write(&file, text).unwrap();
            let error = format!("{:#}", load::<Kept<Vec<u32>>>(&file, KIND).unwrap_err());
            assert!(error.contains(complaint), "{error}");
        }
        let error = load::<Kept<Vec<u32>>>(&folder.path().join("none"), KIND).unwrap_err();
        assert!(format!("{error:#}").contains("none: "), "{error:#}");
    }

    #[cfg(unix)]
    #[test]
    fn writing_never_replaces_folders_links_or_devices() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        let error = write(b"new", &path("folder")).unwrap_err();
        assert!(format!("{error:#}").contains("folder: is a directory"), "{error:#}");

        fs::write(path("file"), "old").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        write(b"new", &path("link")).unwrap();
        assert_eq!(fs::read_to_string(path("file")).unwrap(), "new");
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());

        write(b"new", Path::new("/dev/null")).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["file", "folder", "link"]);
    }
}
