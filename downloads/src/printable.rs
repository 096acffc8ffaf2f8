//! Makes text that comes from outside the program safe to print on a terminal.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.
#![allow(dead_code, reason = "not every lesson uses all of this file")]

/// Replaces every character that could take control of a terminal with `\u{fffd}`.
pub fn printable(text: &str) -> String {
    text.replace(is_unsafe, "\u{fffd}")
}

/// Escapes the same characters in a JSON text. For a program that parses the JSON, the text still
/// means the same.
pub fn printable_json(json: &str) -> String {
    // Outside of strings, JSON has no such characters, and none of them needs more than four
    // hexadecimal digits.
    let escaped = |c: char| match is_unsafe(c) {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    json.chars().map(escaped).collect()
}

/// Whether a character could take control of a terminal: control characters (which include the
/// start of every escape sequence), line separators, and the characters that change the text
/// direction.
pub fn is_unsafe(c: char) -> bool {
    let ends_line = matches!(c, '\u{2028}' | '\u{2029}');
    let turns_direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || ends_line || turns_direction
}
