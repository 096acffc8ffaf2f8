//! Plans where to save each file, before anything is downloaded.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use downloads::part::in_the_way;
use downloads::{Download, names, url};

/// The longest list to accept, in bytes.
const LONGEST_LIST: u64 = 64 << 20;

/// How many characters of an invalid line to show.
const MOST_SHOWN: usize = 200;

/// A file that the user asks for: its URL and, optionally, its SHA-256 and a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The URL of the file.
    pub url: String,
    /// The SHA-256 that the file must have.
    pub sha256: Option<[u8; 32]>,
    /// The name to save the file under. By default, we take the name from the URL.
    pub name: Option<String>,
    /// The line, such as `list.txt: line 7`, if the file comes from a list.
    pub line: Option<String>,
}

impl From<String> for Wanted {
    fn from(url: String) -> Self {
        Self { url, sha256: None, name: None, line: None }
    }
}

/// Reads a list from a file, or from stdin for `-`.
pub fn read_list(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST_LIST + 1).read_to_end(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST_LIST + 1).read_to_end(&mut text))
    };
    let bytes = read.with_context(|| format!("{}", path.display()))? as u64;
    ensure!(bytes <= LONGEST_LIST, "{}: a list must not be longer than 64 MiB", path.display());
    Ok(text)
}

/// Parses lines of `URL [sha256:HEX] [NAME]`. Empty lines and lines that begin with `#` are
/// ignored. Returns one result for each other line.
pub fn parse_list<'a>(
    list: &'a str,
    text: &'a [u8],
) -> impl Iterator<Item = anyhow::Result<Wanted>> + 'a {
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    lines.map(move |(place, line)| {
        let name = format!("{list}: line {}", place + 1);
        let parsed = str::from_utf8(line).ok().context("not UTF-8").and_then(parse_line);
        let wanted =
            parsed.with_context(|| format!("{name}: {}", shown(&String::from_utf8_lossy(line))))?;
        Ok(Wanted { line: Some(name), ..wanted })
    })
}

/// Returns the beginning of a line, without what may be a password.
fn shown(line: &str) -> String {
    let line = line.rsplit_once('@').map_or(line.into(), |(_, rest)| format!("***@{rest}"));
    shortened(line)
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn parse_line(line: &str) -> anyhow::Result<Wanted> {
    let (url, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut wanted = Wanted::from(url.to_owned());
    let mut rest = rest.trim_start();
    if let Some(sum) = rest.strip_prefix("sha256:") {
        let (hex, after) = sum.split_once(char::is_whitespace).unwrap_or((sum, ""));
        wanted.sha256 = Some(parse_hex(hex)?);
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        ensure!(
            names::clean(rest).as_deref() == Some(rest),
            "this name is not safe here; use a plain name without a folder"
        );
        wanted.name = Some(rest.into());
    }
    Ok(wanted)
}

/// Parses 64 hexadecimal digits.
fn parse_hex(hex: &str) -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(is_hex, "a SHA-256 must have 64 hexadecimal digits");
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..][..2], 16)?;
    }
    Ok(bytes)
}

/// Chooses the path of every file in `folder`. Returns an error for a URL that is not valid, for a
/// name that another download uses, and for a file that is in the way of a partial file.
pub fn plan(wanted: Vec<anyhow::Result<Wanted>>, folder: &Path) -> Vec<anyhow::Result<Download>> {
    let mut taken: HashMap<String, String> = HashMap::new();
    let one = |wanted| {
        let Wanted { url, sha256, name, line } = wanted?;
        let shown = shortened(url::without_credentials(&url));
        let shown = line.map_or(shown.clone(), |line| format!("{line}: {shown}"));
        let Some(parsed) = url::http_url(&url) else {
            bail!("{shown}: not an http or https URL");
        };
        let may_be_renamed = name.is_none();
        let path = folder.join(name.unwrap_or_else(|| names::from_url(&parsed)));
        let used = names::used(&path);
        if let Some(other) = used.iter().find_map(|name| taken.get(name)) {
            bail!(
                "{shown}: would be saved as {}, which {other} uses as well: give one of them another name in a list",
                path.display()
            );
        }
        if let Some(error) = in_the_way(&path) {
            bail!("{shown}: {error}");
        }
        taken.extend(used.map(|name| (name, shown.clone())));
        Ok(Download { url, path, may_be_renamed, sha256 })
    };
    wanted.into_iter().map(one).collect()
}

/// Fails if a file has to be created, but its folder does not allow that. A full disk is not a
/// failure here: each download reports it.
pub fn check_folders(plan: &[Download], replace: bool) -> anyhow::Result<()> {
    let to_create = plan.iter().filter(|download| replace || !download.path.is_file());
    let folders: HashSet<_> = to_create.filter_map(|download| download.path.parent()).collect();
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Err(error) = tempfile::tempfile_in(folder) else { continue };
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            continue;
        }
        // The error contains the path of the file that we tried to create, which would only confuse
        // the user.
        let why =
            error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
        bail!("{}: cannot write to this folder: {why}", folder.display());
    }
    Ok(())
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
            "\u{feff}http://host/a\n\n# a comment\n  http://host/b\tsha256:{sum}  \r\n\
             http://host/c sha256:{sum} c d.txt\nhttp://host/d  name.txt\n"
        );
        let wanted = |line: usize, url: &str, sha256, name: Option<&str>| Wanted {
            url: url.into(),
            sha256,
            name: name.map(Into::into),
            line: Some(format!("list: line {line}")),
        };
        assert_eq!(
            parse_list("list", text.as_bytes()).map(Result::unwrap).collect::<Vec<_>>(),
            [
                wanted(1, "http://host/a", None, None),
                wanted(4, "http://host/b", Some(bytes), None),
                wanted(5, "http://host/c", Some(bytes), Some("c d.txt")),
                wanted(6, "http://host/d", None, Some("name.txt")),
            ]
        );
    }

    #[test]
    fn an_error_names_the_invalid_line() {
        let short = "ab".repeat(31);
        for (line, words) in [
            (format!("http://host/a sha256:{short}"), "must have 64 hexadecimal digits"),
            (format!("http://host/a sha256:{short}gg"), "must have 64 hexadecimal digits"),
            (format!("http://host/a sha256:{short}\u{e9}"), "must have 64 hexadecimal digits"),
            ("http://host/a ../x".into(), "this name is not safe"),
            ("http://host/a /etc/passwd".into(), "this name is not safe"),
            ("http://host/a .hidden".into(), "this name is not safe"),
            ("http://host/a -rf".into(), "this name is not safe"),
            ("http://host/a NUL".into(), "this name is not safe"),
            ("x".repeat(1000) + " sha256:", "xxx...: a SHA-256"),
        ] {
            let text = format!("\n{line}");
            let error = parse_list("list", text.as_bytes()).next().unwrap().unwrap_err();
            let error = format!("{error:#}");
            let start = format!("list: line 2: {}", &line[..10]);
            assert!(error.starts_with(&start) && error.contains(words), "{error}");
        }
        let lines = b"http://host/a\n\xff\nhttp://me:secret@host/a sha256:x";
        let errors: Vec<_> = parse_list("-", lines).filter_map(Result::err).collect();
        let [bytes, secret] = [0, 1].map(|place| format!("{:#}", errors[place]));
        assert_eq!(bytes, "-: line 2: \u{fffd}: not UTF-8");
        assert!(secret.starts_with("-: line 3: ***@host/a sha256:x: a SHA-256"), "{secret}");
    }
}
