//! Makes text that comes from outside the program safe to print on a terminal.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

/// Replaces every character that could take control of a terminal with `\u{fffd}`: control
/// characters (which include the start of every escape sequence), line separators, and the
/// characters that change the text direction.
pub fn printable(text: &str) -> String {
    text.replace(is_unsafe, "\u{fffd}")
}

fn is_unsafe(c: char) -> bool {
    let ends_line = matches!(c, '\u{2028}' | '\u{2029}');
    let turns_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || ends_line || turns_direction
}
