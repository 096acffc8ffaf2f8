//! The names that a download uses. These are pure functions, without any I/O.
//!
//! A name from a URL or a server may be an attack. We clean the name, so that it stands for one
//! plain file in the folder, on every system.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::Download;

/// The longest name, in bytes. File systems allow 255, and `.part.json` has to fit.
pub const LONGEST: usize = 245;

/// Returns the path of the partial file, `NAME.part`, which holds the bytes of a file until it is
/// complete.
pub fn part_path(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

/// Returns the path of the *sidecar*, `NAME.part.json`, which records the version of the file that
/// the bytes in the partial file belong to.
pub fn sidecar_path(path: &Path) -> PathBuf {
    with_suffix(path, ".part.json")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns all names that these downloads use for their files, partial files and sidecars.
pub fn taken(downloads: &[Download]) -> HashSet<String> {
    downloads.iter().flat_map(|download| used(&download.path)).collect()
}

/// Returns the names that a download to this path uses.
pub fn used(path: &Path) -> [String; 3] {
    [key(path), key(&part_path(path)), key(&sidecar_path(path))]
}

/// Returns a key that is the same for all names that refer to the same file on a system that
/// ignores case.
pub fn key(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// Returns the last segment of the URL's path, decoded and cleaned, or `index.html` if there is
/// none.
pub fn from_url(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or("");
    clean(&percent_decode_str(last).decode_utf8_lossy()).unwrap_or_else(|| "index.html".into())
}

/// Returns the name in a `Content-Disposition` header (RFC 6266), cleaned. `filename*` can hold
/// any character, and has precedence over `filename`.
pub fn from_disposition(header: &str) -> Option<String> {
    let (mut plain, mut extended) = (None, None);
    for (name, value) in parameters(header) {
        match name.to_ascii_lowercase().as_str() {
            "filename" => plain = plain.or(Some(value)),
            "filename*" => extended = extended.or_else(|| decode_extended(&value)),
            _ => {}
        }
    }
    clean(&extended.or(plain)?)
}

/// Whether a file with this name would look like the partial file or the sidecar of a download.
pub fn is_part(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".part") || name.ends_with(".part.json")
}

/// Returns the `name=value` pairs after the first `;` of a header. Quotes around the values are
/// removed.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches(|c: char| c == ';' || c.is_whitespace()).to_owned();
        let after = after.trim_start();
        let mut value = String::new();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut characters = quoted.char_indices();
            rest = "";
            while let Some((place, c)) = characters.next() {
                match c {
                    '"' => {
                        rest = &quoted[place + 1..];
                        break;
                    }
                    '\\' => value.extend(characters.next().map(|(_, c)| c)),
                    _ => value.push(c),
                }
            }
        } else {
            let (token, after) = after.split_once(';').unwrap_or((after, ""));
            value.push_str(token.trim_end());
            rest = after;
        }
        parameters.push((name, value));
    }
    parameters
}

/// Decodes `UTF-8'language'percent-encoded` (RFC 8187).
fn decode_extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// Returns a name that is safe to use in a folder: a single component, not hidden, not an
/// option and not too long, without characters or names that have a special meaning on some system. Returns `None` if
/// nothing is left.
pub fn clean(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let mut name: String = last.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    // Windows removes dots and spaces from the end of a name.
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    let name = name.trim_start();
    if name.is_empty() {
        return None;
    }
    // A name that begins with a dot is hidden, and one that begins with a hyphen looks like an option
    // to other programs.
    let name = match name.strip_prefix(['.', '-']) {
        Some(rest) => format!("_{rest}"),
        None if is_reserved(name) => format!("_{name}"),
        None => name.into(),
    };
    let name = shorten(name);
    Some(if is_part(&name) { shorten(name + "_") } else { name })
}

fn is_plain(c: char) -> bool {
    // These characters change the text direction, and can hide an extension.
    let turns_direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns_direction && !r#"<>:"|?*"#.contains(c)
}

/// Whether this is the name of a device on Windows, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").trim_end().to_ascii_uppercase();
    let numbered = |device| {
        stem.strip_prefix(device).is_some_and(|rest| {
            matches!(rest.chars().collect::<Vec<_>>()[..], ['0'..='9' | '¹' | '²' | '³'])
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

/// Shortens a name that is too long, and keeps its extension.
fn shorten(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let extension = match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() < 20 => format!(".{extension}"),
        _ => String::new(),
    };
    let stem = &name[..name.floor_char_boundary(LONGEST - extension.len())];
    let name = stem.trim_end().to_owned() + &extension;
    name.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_last_segment_of_the_urls_path() {
        for (url, name) in [
            ("http://host/a/b.txt", "b.txt"),
            ("http://host/b.txt?query=1#fragment", "b.txt"),
            ("http://host/", "index.html"),
            ("http://host", "index.html"),
            ("http://host/folder/", "index.html"),
            ("http://host/a%20b", "a b"),
            ("http://host/%e4%b8%ad.txt", "\u{4e2d}.txt"),
            ("http://host/a%2Fb", "b"),
            ("http://host/a%00b", "a_b"),
            ("http://host/../../etc/passwd", "passwd"),
            ("http://host/%2e%2e", "index.html"),
            ("http://host/..%2f..%2fetc", "etc"),
            ("http://host/..%5c..%5cetc", "etc"),
            ("http://host/.profile", "_profile"),
            ("http://host/a.part", "a.part_"),
        ] {
            assert_eq!(from_url(&Url::parse(url).unwrap()), name, "{url}");
        }
    }

    #[test]
    fn a_download_reserves_three_names_and_ignores_case() {
        let url = String::new();
        let download = Download { url, path: "a/B".into(), may_be_renamed: true, sha256: None };
        let expected = ["a/b", "a/b.part", "a/b.part.json"].map(String::from);
        assert_eq!(taken(&[download]), HashSet::from(expected));
    }

    #[test]
    fn a_content_disposition_header_gives_the_file_name() {
        for (header, name) in [
            ("attachment; filename=a.txt", Some("a.txt")),
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment;filename = a.txt ; size=1", Some("a.txt")),
            ("inline; FileName=\"a\\\"b;c=d.txt\"", Some("a_b;c=d.txt")),
            ("attachment; filename=\"old\"; filename*=UTF-8''%e4%b8%ad%20x", Some("\u{4e2d} x")),
            ("attachment; filename*=utf-8'en'new; filename=old", Some("new")),
            ("attachment; filename*=latin-1''%e4; filename=old", Some("old")),
            ("attachment; filename*=UTF-8''%ff; filename=old", Some("old")),
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", Some("passwd")),
            ("attachment; filename=\"C:\\\\evil.exe\"", Some("evil.exe")),
            ("attachment; filename=\"other.iso.PART\"", Some("other.iso.PART_")),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename=\"\"", None),
            ("attachment; filename=\"a\nb\"", Some("a_b")),
            ("attachment; filename=\"open", Some("open")),
            ("attachment; name=x", None),
            ("attachment", None),
            ("", None),
            ("filename=a.txt", None),
        ] {
            assert_eq!(from_disposition(header).as_deref(), name, "{header}");
        }
    }

    #[test]
    fn a_cleaned_name_is_a_plain_and_visible_file_name() {
        let long = "x".repeat(300);
        let wide = "\u{4e2d}".repeat(100) + ".tar.gz";
        for (name, cleaned) in [
            ("a.txt", Some("a.txt")),
            ("a/b", Some("b")),
            ("a/", None),
            ("..", None),
            (" . ", None),
            ("...hidden", Some("_..hidden")),
            ("-rf", Some("_rf")),
            ("a.part", Some("a.part_")),
            ("a.PART.json", Some("a.PART.json_")),
            ("--help", Some("_-help")),
            ("a-b", Some("a-b")),
            ("end. . ", Some("end")),
            ("a<b>:\"|?*c", Some("a_b______c")),
            ("a\u{1b}[2Jb", Some("a_[2Jb")),
            ("txt.\u{202e}exe", Some("txt._exe")),
            ("con", Some("_con")),
            ("NUL.txt", Some("_NUL.txt")),
            ("com1.tar.gz", Some("_com1.tar.gz")),
            ("COM\u{b9}", Some("_COM\u{b9}")),
            ("lpt9 .x", Some("_lpt9 .x")),
            ("com10", Some("com10")),
            ("console", Some("console")),
        ] {
            assert_eq!(clean(name).as_deref(), cleaned, "{name:?}");
        }
        assert_eq!(clean(&long).unwrap().len(), 245);
        let dotted = "x".repeat(244) + "." + &"y".repeat(30);
        assert_eq!(clean(&dotted).unwrap(), "x".repeat(244));
        // The text after the last dot is an extension if it has fewer than 20 characters.
        for (extension, cleaned) in
            [(19, format!("{}.{}", "x".repeat(225), "y".repeat(19))), (20, "x".repeat(245))]
        {
            let name = "x".repeat(250) + "." + &"y".repeat(extension);
            assert_eq!(clean(&name).unwrap(), cleaned);
        }
        let wide = clean(&wide).unwrap();
        assert!(wide.len() <= 245 && wide.ends_with(".gz"), "{wide}");
    }

    proptest::proptest! {
        #[test]
        fn any_cleaned_name_stays_in_its_folder(name in "\\PC*|[./\\\\a\\x00 -]*") {
            if let Some(clean) = clean(&name) {
                proptest::prop_assert!(!clean.is_empty() && clean.len() <= 245);
                proptest::prop_assert!(!clean.starts_with(['.', '-']) && !clean.ends_with(['.', ' ']));
                proptest::prop_assert!(!clean.contains(['/', '\\', '\0', ':']) && !is_part(&clean));
                proptest::prop_assert_eq!(super::clean(&clean), Some(clean.clone()));
            }
        }
    }
}
