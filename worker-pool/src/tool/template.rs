//! Builds the arguments of a command from a line.

use std::ffi::OsString;

/// The program and its arguments, with placeholders such as `{}` for the line.
#[derive(Debug)]
pub struct Template(Vec<Vec<u8>>);

/// The placeholders. The function next to each one returns the text that replaces it.
const PLACES: [(&[u8], Part); 6] = [
    (b"{}", |line, _| line.to_vec()),
    (b"{.}", |line, _| without_extension(line).to_vec()),
    (b"{/}", |line, _| name(line).to_vec()),
    (b"{/.}", |line, _| without_extension(name(line)).to_vec()),
    (b"{//}", |line, _| folder(line).to_vec()),
    (b"{#}", |_, number| number.to_string().into_bytes()),
];

type Part = fn(line: &[u8], number: u64) -> Vec<u8>;

impl Template {
    /// Creates a template from at least one word.
    pub fn new(words: Vec<OsString>) -> Self {
        Self(words.into_iter().map(OsString::into_encoded_bytes).collect())
    }

    /// Returns the first word as the user wrote it.
    pub fn program(&self) -> String {
        String::from_utf8_lossy(self.0.first().map_or(b"", Vec::as_slice)).into_owned()
    }

    /// Returns whether the program is the same for all lines.
    pub fn has_fixed_program(&self) -> bool {
        self.0.first().is_some_and(|word| !has_place(word))
    }

    /// Returns the words for a line and its number. If the template has no placeholder, the line is
    /// added at the end.
    pub fn words(&self, line: &[u8], number: u64) -> Vec<OsString> {
        let mut words: Vec<_> = self.0.iter().map(|word| filled(word, line, number)).collect();
        if !self.0.iter().any(|word| has_place(word)) {
            words.push(line.to_vec());
        }
        words.into_iter().map(argument).collect()
    }
}

/// Returns the placeholder at the beginning of the text, if there is one.
fn place(text: &[u8]) -> Option<&'static (&'static [u8], Part)> {
    PLACES.iter().find(|(place, _)| text.starts_with(place))
}

fn has_place(word: &[u8]) -> bool {
    (0..word.len()).any(|start| place(&word[start..]).is_some())
}

fn filled(word: &[u8], line: &[u8], number: u64) -> Vec<u8> {
    let (mut whole, mut rest) = (Vec::new(), word);
    while let [first, after @ ..] = rest {
        match place(rest) {
            Some((place, part)) => {
                whole.extend(part(line, number));
                rest = &rest[place.len()..];
            }
            None => {
                whole.push(*first);
                rest = after;
            }
        }
    }
    whole
}

/// Returns the index at which the file name begins in a path.
fn name_start(path: &[u8]) -> usize {
    path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)
}

fn name(path: &[u8]) -> &[u8] {
    &path[name_start(path)..]
}

/// Returns the folder of a path, as `dirname` does.
fn folder(path: &[u8]) -> &[u8] {
    let path = without_slashes(path);
    match name_start(path) {
        0 => b".",
        start => without_slashes(&path[..start]),
    }
}

/// Removes the slashes at the end of a path. The root keeps its slash.
fn without_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(1, |last| last + 1);
    &path[..end.min(path.len())]
}

/// Returns the path without its extension. A name such as `.profile` has no extension.
fn without_extension(path: &[u8]) -> &[u8] {
    let dot = name(path).iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0);
    dot.map_or(path, |dot| &path[..name_start(path) + dot])
}

/// Turns bytes into an argument. On Unix, the argument has the same bytes. Elsewhere, it must be
/// Unicode, so invalid bytes are replaced.
fn argument(bytes: Vec<u8>) -> OsString {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::from_vec(bytes)
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

/// Returns the words as a command line that a shell would run.
pub fn quoted(words: &[OsString]) -> String {
    words.iter().map(|word| quoted_word(word.as_encoded_bytes())).collect::<Vec<_>>().join(" ")
}

fn quoted_word(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+,-./:@_".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        return String::from_utf8_lossy(word).into_owned();
    }
    match std::str::from_utf8(word) {
        Ok(text) if !text.chars().any(crate::printable::is_unsafe) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        // Inside `$'...'`, a shell interprets escape sequences.
        _ => {
            let escaped = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            };
            format!("$'{}'", word.iter().map(escaped).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(words: &[&str]) -> Template {
        Template::new(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_line_replaces_every_pair_of_braces_or_is_added_at_the_end() {
        for (command, words) in [
            (&["echo"][..], &["echo", "x y"][..]),
            (&["echo", "{}"], &["echo", "x y"]),
            (&["cp", "{}", "{}.bak"], &["cp", "x y", "x y.bak"]),
            (&["{}{}"], &["x yx y"]),
            (&["echo", "{#}"], &["echo", "7"]),
            (&["echo", "{", "}", "{?}"], &["echo", "{", "}", "{?}", "x y"]),
        ] {
            assert_eq!(template(command).words(b"x y", 7), words);
        }
    }

    #[test]
    fn each_placeholder_stands_for_its_part_of_a_path() {
        let command = template(&["{}", "{.}", "{/}", "{/.}", "{//}"]);
        for (line, words) in [
            ("a/b.tar.gz", ["a/b.tar.gz", "a/b.tar", "b.tar.gz", "b.tar", "a"]),
            ("b.png", ["b.png", "b", "b.png", "b", "."]),
            ("a.d/b", ["a.d/b", "a.d/b", "b", "b", "a.d"]),
            ("/.profile", ["/.profile", "/.profile", ".profile", ".profile", "/"]),
            ("", ["", "", "", "", "."]),
            ("dir/", ["dir/", "dir/", "", "", "."]),
            ("a//b", ["a//b", "a//b", "b", "b", "a"]),
            ("/", ["/", "/", "", "", "/"]),
        ] {
            assert_eq!(command.words(line.as_bytes(), 1), words);
        }
    }

    #[test]
    fn the_program_is_fixed_unless_the_line_is_a_part_of_it() {
        assert!(template(&["gzip", "{}"]).has_fixed_program());
        assert!(!template(&["./{/}"]).has_fixed_program());
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_quoted_words_unchanged() {
        let words: &[&[u8]] =
            &[b"plain", b"", b"it's", b"a b", b"\x1b[2J", b"caf\xe9'\\", b"$HOME"];
        let words: Vec<_> = words.iter().map(|word| argument(word.to_vec())).collect();
        let line = quoted(&words);
        assert_eq!(line, r"plain '' 'it'\''s' 'a b' $'\x1b[2J' $'caf\xe9\'\\' '$HOME'");
        let Ok(output) = std::process::Command::new("bash")
            .args(["-c", &format!("printf '%s\\0' {line}")])
            .output()
        else {
            return eprintln!("skipped: bash is not installed");
        };
        let expected: Vec<_> = words.iter().map(|word| word.as_encoded_bytes()).collect();
        assert_eq!(output.stdout, [&expected.join(&0)[..], &[0]].concat());
    }
}
