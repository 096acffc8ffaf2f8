//! Plans where to save each file, before anything is downloaded.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use downloads::part::in_the_way;
use downloads::{Download, DownloadError, names, url};

/// The longest list to accept, in bytes.
const LONGEST_LIST: u64 = 64 << 20;

/// A file that the user asks for: its URL and, optionally, its SHA-256 and a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The URL of the file.
    pub url: String,
    /// The SHA-256 that the file must have.
    pub sha256: Option<[u8; 32]>,
    /// The name to save the file under. By default, we take the name from the URL.
    pub name: Option<String>,
}

impl From<String> for Wanted {
    fn from(url: String) -> Self {
        Self { url, sha256: None, name: None }
    }
}

/// Reads a list from a file, or from stdin for `-`.
pub fn read_list(path: &Path) -> anyhow::Result<Vec<Wanted>> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST_LIST + 1).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST_LIST + 1).read_to_string(&mut text))
    };
    let name = path.display();
    let bytes = read.with_context(|| format!("{name}"))? as u64;
    ensure!(bytes <= LONGEST_LIST, "{name}: a list must not be longer than 64 MiB");
    parse_list(&text).with_context(|| format!("{name}"))
}

/// Parses lines of `URL [sha256:HEX] [NAME]`. Empty lines and lines that begin with `#` are
/// ignored.
pub fn parse_list(text: &str) -> anyhow::Result<Vec<Wanted>> {
    let has_content = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| has_content(line));
    lines
        .map(|(place, line)| parse_line(line).with_context(|| format!("line {}", place + 1)))
        .collect()
}

fn parse_line(line: &str) -> anyhow::Result<Wanted> {
    let (url, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut wanted = Wanted::from(url.to_owned());
    let mut rest = rest.trim_start();
    if let Some(sum) = rest.strip_prefix("sha256:") {
        let (hex, after) = sum.split_once(char::is_whitespace).unwrap_or((sum, ""));
        wanted.sha256 = Some(parse_hex(hex).with_context(|| format!("sha256:{hex}"))?);
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        ensure!(
            names::clean(rest).as_deref() == Some(rest),
            "{:?} cannot be the name of a file here: use a plain name without a folder",
            url::without_credentials(rest)
        );
        wanted.name = Some(rest.into());
    }
    Ok(wanted)
}

/// Parses 64 hexadecimal digits.
fn parse_hex(hex: &str) -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    ensure!(hex.len() == 64 && hex.is_ascii(), "not 64 hexadecimal digits");
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..][..2], 16)?;
    }
    Ok(bytes)
}

/// Chooses the path of every file in `folder`.
///
/// # Errors
/// Fails if the folder is not writable, if a URL is invalid, if two files would have the same
/// name, or if another file is in the way of a partial file.
pub fn plan(wanted: Vec<Wanted>, folder: &Path) -> anyhow::Result<Vec<Download>> {
    check_folder(folder)?;
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut plan = Vec::with_capacity(wanted.len());
    for Wanted { url, sha256, name } in wanted {
        let shown = url::without_credentials(&url);
        let Some(parsed) = url::http_url(&url) else {
            bail!("{shown}: not an http or https URL");
        };
        let may_be_renamed = name.is_none();
        let path = folder.join(name.unwrap_or_else(|| names::from_url(&parsed)));
        for name in names::used(&path) {
            if let Some(other) = taken.insert(name, shown.clone()) {
                bail!(
                    "{shown}: would be saved as {}, which {other} uses as well: give one of them another name in a list",
                    path.display()
                );
            }
        }
        if let Some(file) = in_the_way(&path) {
            bail!("{shown}: {}", DownloadError::NotOurs { file });
        }
        plan.push(Download { url, path, may_be_renamed, sha256 });
    }
    Ok(plan)
}

/// Fails if no file can be created in `folder`.
fn check_folder(folder: &Path) -> anyhow::Result<()> {
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        // The error contains the path of the file that we tried to create, which would only confuse
        // the user.
        Err(error) => {
            let why = error
                .raw_os_error()
                .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            bail!("{}: cannot write to this folder: {why}", folder.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_list_has_a_url_and_maybe_a_sha256_and_a_name() {
        let sum = "00".repeat(31) + "fF";
        let mut bytes = [0; 32];
        bytes[31] = 255;
        let text = format!(
            "http://host/a\n\n# a comment\n  http://host/b\tsha256:{sum}  \r\n\
             http://host/c sha256:{sum} c d.txt\nhttp://host/d  name.txt\n"
        );
        let wanted = |url: &str, sha256, name: Option<&str>| Wanted {
            url: url.into(),
            sha256,
            name: name.map(Into::into),
        };
        assert_eq!(
            parse_list(&text).unwrap(),
            [
                wanted("http://host/a", None, None),
                wanted("http://host/b", Some(bytes), None),
                wanted("http://host/c", Some(bytes), Some("c d.txt")),
                wanted("http://host/d", None, Some("name.txt")),
            ]
        );
    }

    #[test]
    fn an_error_names_the_invalid_line() {
        let short = "ab".repeat(31);
        for (line, words) in [
            (format!("http://host/a sha256:{short}"), "not 64 hexadecimal digits"),
            (format!("http://host/a sha256:{short}gg"), "sha256"),
            (format!("http://host/a sha256:{short}\u{e9}"), "not 64 hexadecimal digits"),
            ("http://host/a ../x".into(), "cannot be the name of a file"),
            ("http://host/a /etc/passwd".into(), "cannot be the name of a file"),
            ("http://host/a .hidden".into(), "cannot be the name of a file"),
            ("http://host/a NUL".into(), "cannot be the name of a file"),
        ] {
            let error = format!("{:#}", parse_list(&format!("\n{line}")).unwrap_err());
            assert!(error.starts_with("line 2: ") && error.contains(words), "{error}");
        }
    }
}
