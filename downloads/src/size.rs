//! Parses the numbers of bytes that the user passes as option values.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

/// Parses a number of bytes that is greater than zero, such as `4096`, `64K`, `16M` or `1G`. The
/// units are powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        _ => return Err("the unit must be K, M or G, as in 64K, 16M or 1G".into()),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err("write a whole number and a unit, such as 64K, 16M or 1G".into());
    }
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(0) => Err("the size must be greater than zero".into()),
        Some(bytes) => Ok(bytes),
        None => Err("the size must be less than 16 exbibytes".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        for (text, bytes) in [("1", 1), ("4096b", 4096), ("64K", 64 << 10), ("16MiB", 16 << 20)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for (text, reason) in [
            ("0", "zero"),
            ("", "number"),
            ("1.5G", "whole number"),
            ("-1", "whole number"),
            ("1T", "unit"),
            ("99999999999G", "exbibytes"),
        ] {
            assert!(size(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
