//! The name a file is saved under: rules without any I/O. A name that comes from elsewhere is cleaned
//! until it names one plain file in the folder, on every system.

use std::collections::HashSet;
use std::path::Path;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::Download;
use crate::part::{origin_path, part_path};

/// File systems allow 255 bytes, and `.part.json` has to fit.
const LONGEST: usize = 245;

/// The URL, if it is one of http or https.
pub fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// The URL as it may be shown: without user name and password.
pub fn without_credentials(url: &str) -> String {
    if let Some(mut parsed) = http_url(url) {
        if parsed.username().is_empty() && parsed.password().is_none() {
            return url.into();
        }
        if parsed.set_username("").is_ok() && parsed.set_password(None).is_ok() {
            return parsed.into();
        }
    }
    // No such URL, but perhaps meant as one: whatever stands before an `@` may be a password.
    url.rsplit_once('@').map_or_else(|| url.into(), |(_, rest)| format!("***@{rest}"))
}

/// All names that these downloads use, for their files and until those are whole.
pub fn taken(downloads: &[Download]) -> HashSet<String> {
    downloads.iter().flat_map(|download| used(&download.path)).collect()
}

/// The names that a download to this path uses.
pub fn used(path: &Path) -> [String; 3] {
    [key(path), key(&part_path(path)), key(&origin_path(path))]
}

/// The same for names that are one file on systems that do not tell `A` from `a`.
pub fn key(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// The last part of the URL's path, decoded and cleaned; `index.html` where there is none.
pub fn from_url(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or("");
    clean(&percent_decode_str(last).decode_utf8_lossy()).unwrap_or_else(|| "index.html".into())
}

/// The name in a `Content-Disposition` header (RFC 6266), cleaned. `filename*`, which knows every
/// character, comes before `filename`.
pub fn from_disposition(header: &str) -> Option<String> {
    let (mut plain, mut extended) = (None, None);
    for (name, value) in parameters(header) {
        match name.to_ascii_lowercase().as_str() {
            "filename" => plain = plain.or(Some(value)),
            "filename*" => extended = extended.or_else(|| decode_extended(&value)),
            _ => {}
        }
    }
    let mut name = clean(&extended.or(plain)?)?;
    // What ends so is the beginning of another file, of this run or of another.
    let small = name.to_lowercase();
    if small.ends_with(".part") || small.ends_with(".part.json") {
        name.push('_');
    }
    Some(name)
}

/// The `name=value` of a header after its first `;`, the values without their quotes.
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

/// `UTF-8'language'percent-encoded` (RFC 8187).
fn decode_extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// A name that is safe to use in a folder: one component, visible, no character and no name that means
/// something to a system, not too long. `None` where nothing is left of it.
pub fn clean(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let mut name: String = last.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    // Windows takes dots and spaces off the end of a name.
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    let name = name.trim_start();
    if name.is_empty() {
        return None;
    }
    let name = match name.strip_prefix('.') {
        Some(hidden) => format!("_{hidden}"),
        None if is_reserved(name) => format!("_{name}"),
        None => name.into(),
    };
    Some(shorten(name))
}

fn is_plain(c: char) -> bool {
    // Among the invisible, those that turn the direction of what follows, and hide an extension.
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns && !r#"<>:"|?*"#.contains(c)
}

/// Names of devices on Windows, with any extension.
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

/// Cuts what is too long before its extension.
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
    fn a_url_gives_the_last_part_of_its_path() {
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
        ] {
            assert_eq!(from_url(&Url::parse(url).unwrap()), name, "{url}");
        }
    }

    #[test]
    fn user_names_and_passwords_are_never_shown() {
        for (url, shown) in [
            ("http://host/a@b", "http://host/a@b"),
            ("http://host:80/%7Ea", "http://host:80/%7Ea"),
            ("http://me:secret@host/a", "http://host/a"),
            ("http://me@host/a", "http://host/a"),
            ("http://:secret@host/a", "http://host/a"),
            // Not URLs that we could download, but still something that may hold a password.
            ("ftp://me:secret@host/a", "***@host/a"),
            ("me:sec@ret@host/a", "***@host/a"),
            ("no url", "no url"),
        ] {
            assert_eq!(without_credentials(url), shown, "{url}");
        }
    }

    #[test]
    fn a_download_takes_three_names_in_any_spelling() {
        let url = String::new();
        let download = Download { url, path: "a/B".into(), may_be_renamed: true, sha256: None };
        let expected = ["a/b", "a/b.part", "a/b.part.json"].map(String::from);
        assert_eq!(taken(&[download]), HashSet::from(expected));
    }

    #[test]
    fn a_disposition_gives_its_file_name() {
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
    fn a_clean_name_is_one_plain_visible_file() {
        let long = "x".repeat(300);
        let wide = "\u{4e2d}".repeat(100) + ".tar.gz";
        for (name, cleaned) in [
            ("a.txt", Some("a.txt")),
            ("a/b", Some("b")),
            ("a/", None),
            ("..", None),
            (" . ", None),
            ("...hidden", Some("_..hidden")),
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
        // What follows the last dot is an extension if it has fewer than 20 characters.
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
        fn whatever_comes_a_clean_name_stays_in_its_folder(name in "\\PC*|[./\\\\a\\x00 -]*") {
            if let Some(clean) = clean(&name) {
                proptest::prop_assert!(!clean.is_empty() && clean.len() <= 245);
                proptest::prop_assert!(!clean.starts_with('.') && !clean.ends_with(['.', ' ']));
                proptest::prop_assert!(!clean.contains(['/', '\\', '\0', ':']));
                proptest::prop_assert_eq!(super::clean(&clean), Some(clean.clone()));
            }
        }
    }
}
