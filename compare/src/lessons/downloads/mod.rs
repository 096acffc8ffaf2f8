//! The contract of `downloads`: files are downloaded concurrently, and no partial file is left
//! behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::serve::{Scene, Stage, contents};

#[cfg(all(feature = "async-std", not(test)))]
pub mod on_async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod on_smol;
#[cfg(all(feature = "tokio", not(test)))]
pub mod on_tokio;

#[derive(Serialize, Deserialize)]
pub struct Input {
    pub files: Vec<File>,
    pub folder: PathBuf,
    pub at_once: usize,
}

/// A file to download.
#[derive(Serialize, Deserialize)]
pub struct File {
    pub name: String,
    pub url: String,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    /// The number of bytes saved for each file, or `None` if the download failed.
    pub saved: Vec<Option<u64>>,
    /// The files in the folder afterwards: their names, and checksums of their contents.
    pub folder: BTreeMap<String, u64>,
}

const BYTES: usize = 1_000_000;
const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// Returns four files to download. The server closes the connection in the middle of the third
/// file.
pub fn input(stage: &Stage, scene: &Scene) -> Input {
    let file = |name: &str| {
        let kind = if name == "gamma" { "short" } else { "file" };
        File { name: name.into(), url: stage.url(&format!("{kind}/{name}/{BYTES}")) }
    };
    Input { files: NAMES.map(file).into(), folder: scene.folder().into(), at_once: 2 }
}

pub fn expected(input: &Input) -> Answer {
    let is_complete = |file: &&File| file.name != "gamma";
    let entry = |file: &File| (file.name.clone(), checksum(&contents(&file.name, BYTES)));
    Answer {
        saved: input.files.iter().map(|file| is_complete(&file).then_some(BYTES as u64)).collect(),
        folder: input.files.iter().filter(is_complete).map(entry).collect(),
    }
}

/// Returns the path of the partial file for a download to `path`. We append `.part` rather than
/// replace the extension, so that `a.txt` and `a.zip` have different partial files.
pub fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Returns a checksum that is good enough to tell two files apart: the 64-bit FNV-1a hash, which is
/// named after Fowler, Noll and Vo.
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns the names of the files in a folder, and checksums of their contents.
pub fn look_into(folder: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), checksum(&bytes))
        })
        .collect()
}
