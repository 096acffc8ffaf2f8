//! Saves results for the report and for later runs, one file for each command. All files have the
//! same format.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::Machine;

/// A result, and the machine on which it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// The command that produced the result, and the version of its file format.
    pub kind: String,
    pub machine: Machine,
    pub result: T,
}

impl<T> Kept<T> {
    /// Combines a result with a description of the machine from before the measurement.
    pub fn new(kind: &str, machine: Machine, result: T) -> Self {
        Self { kind: kind.into(), machine, result }
    }
}

/// Returns the folder of the workspace that this program was built from.
///
/// # Errors
/// Fails if that folder no longer exists.
pub fn workspace() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the crate is not in a workspace")?;
    ensure!(
        folder.join("Cargo.toml").is_file(),
        "{}: cannot find the source code that this program was built from: build the program again",
        folder.display()
    );
    Ok(folder.into())
}

/// Returns the default folder for results. This folder is in the workspace that this program was
/// built from, or in the current folder if that workspace no longer exists. A debug build uses a
/// separate folder, so that its figures are never mixed with those of a release build.
pub fn folder() -> PathBuf {
    let folder = workspace().unwrap_or_default().join("target/compare");
    if cfg!(debug_assertions) { folder.join("debug") } else { folder }
}

/// Saves a result. The file appears under its name only when it is complete.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn save(result: &impl Serialize, file: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_vec(result).context("cannot convert the result to JSON")?;
    write(&text, file)
}

/// Writes a file, and creates its folder if necessary. The file appears under its name only when it
/// is complete. If the path names something that is not a regular file, such as a pipe, we write to
/// it directly.
///
/// # Errors
/// Fails if the path names a folder, or if the file cannot be written. No partial file is left
/// behind.
pub fn write(text: &[u8], file: &Path) -> anyhow::Result<()> {
    let write = || match fs::metadata(file) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => fs::write(file, text),
        // If the path is a symbolic link, keep the link, and replace the file that it points to.
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
        // Ignore errors: the partial file may not even exist.
        let _ = fs::remove_file(&part);
    }
    replaced
}

/// Loads a saved result of this kind.
///
/// # Errors
/// Fails if the file cannot be read, or if it does not contain a result of this kind.
pub fn load<T: DeserializeOwned>(file: &Path, kind: &str) -> anyhow::Result<T> {
    let name = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(name)?;
    let foreign = || format!("{}: must contain results of `{}`", name(), command(kind));
    let value: Value = serde_json::from_str(&text).with_context(foreign)?;
    match value["kind"].as_str() {
        Some(its_kind) if its_kind == kind => serde_json::from_value(value).with_context(foreign),
        Some(its_kind) if command(its_kind) == command(kind) => {
            bail!(
                "{}: saved by another version of this program ({its_kind}): run `{}` again",
                name(),
                command(kind)
            )
        }
        _ => bail!(foreign()),
    }
}

/// Returns the command that produces results of this kind: the kind without its version number.
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
        assert_eq!(
            fs::read_dir(file.parent().unwrap()).unwrap().count(),
            1,
            "there should be no partial file"
        );

        for (text, complaint) in [
            ("", "things.json: must contain results of `compare things`: EOF"),
            ("{}", "things.json: must contain results of `compare things`"),
            ("[1, 2]", "must contain results of `compare things`"),
            (r#"{"kind": "compare others 2"}"#, "must contain results of `compare things`"),
            (
                r#"{"kind": "compare things 2"}"#,
                "must contain results of `compare things`: missing field",
            ),
            (r#"{"kind": "compare things 1"}"#, "saved by another version of this program"),
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
