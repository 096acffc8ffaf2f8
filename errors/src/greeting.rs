//! The risky operation: connecting to a TCP service and reading the service's greeting.

use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connect::connect;
use crate::error::{Phase, ServiceError};

/// The maximum length of a greeting in bytes, including its line ends. SMTP allows 512 bytes per
/// line (RFC 5321) and SSH 255 bytes (RFC 4253), but a greeting may have several lines. The limit
/// keeps a service that never ends its line from filling our memory.
pub const MAX_GREETING: u64 = 4096;

/// Connects to a service and returns its greeting, without the line end. Connecting and reading
/// together may take at most `time_limit`.
///
/// A greeting is usually one line. As in FTP and SMTP, a line that begins with a number of three
/// digits and a hyphen continues on the next line.
///
/// Dropping the future closes the connection.
///
/// # Errors
/// Returns any variant of [`ServiceError`] except `Panicked` and `Cancelled`.
///
/// # Example
/// ```no_run
/// use std::time::Duration;
/// use errors::{ServiceError, greeting};
///
/// # async fn example() {
/// match greeting("localhost:22", Duration::from_secs(2)).await {
///     Ok(line) => println!("greeted with {line:?}"),
///     Err(ServiceError::CannotConnect(cause)) => println!("is it running? {cause}"),
///     Err(other) => println!("failed: {other}"),
/// }
/// # }
/// ```
pub async fn greeting(address: &str, time_limit: Duration) -> Result<String, ServiceError> {
    let start = Instant::now();
    let stream = connect(address, time_limit).await?;

    // `timeout` polls a future next to a timer. If the timer fires first, `timeout` drops the
    // future and returns an error. So we get two results, one inside the other: `map_err` and `?`
    // handle the result of `timeout`, and we return the result of `read_greeting`.
    let remaining = time_limit.saturating_sub(start.elapsed());
    let read = timeout(remaining, read_greeting(stream)).await;
    read.map_err(|_| ServiceError::TimedOut { phase: Phase::Reading, after: time_limit })?
}

/// Reads up to the end of the greeting, but at most [`MAX_GREETING`] bytes.
async fn read_greeting(stream: TcpStream) -> Result<String, ServiceError> {
    let mut bytes = Vec::new();
    let mut reader = BufReader::new(stream.take(MAX_GREETING));
    loop {
        let start = bytes.len();
        reader.read_until(b'\n', &mut bytes).await.map_err(ServiceError::Broken)?;
        if !bytes[start..].ends_with(b"\n") {
            return Err(match bytes.len() as u64 {
                MAX_GREETING.. => ServiceError::Garbage("no line end in the first 4096 bytes"),
                _ => ServiceError::ClosedEarly(bytes.len()),
            });
        }
        if !continues(&bytes[start..]) {
            return text(&bytes);
        }
    }
}

/// Returns whether another line of the greeting follows, as after `220-mail.example`.
fn continues(line: &[u8]) -> bool {
    matches!(line, [a, b, c, b'-', ..] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()))
}

/// Returns the lines as text. If the bytes are not valid UTF-8, reads them as Latin-1, which some
/// old services send.
fn text(lines: &[u8]) -> Result<String, ServiceError> {
    let text = match std::str::from_utf8(lines) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let latin1: String = lines.iter().map(|byte| char::from(*byte)).collect();
            if latin1.contains(|c: char| c.is_control() && !"\t\r\n".contains(c)) {
                return Err(ServiceError::Garbage("neither UTF-8 nor Latin-1 text"));
            }
            latin1
        }
    };
    let lines: Vec<_> = text.lines().collect(); // without the line ends
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_text_of_one_or_several_lines() {
        for (bytes, expected) in [
            (&b"SSH-2.0-x\r\n"[..], Some("SSH-2.0-x")),
            (b"220-one\r\n220-two\n220 three\r\n", Some("220-one\n220-two\n220 three")),
            (b"caf\xe9\n", Some("caf\u{e9}")),
            ("caf\u{e9}\n".as_bytes(), Some("caf\u{e9}")),
            (b"\n", Some("")),
            (b"\xff\x00\n", None),
            (b"\x16\x03\xe9\n", None),
            (b"\x90\n", None),
        ] {
            assert_eq!(text(bytes).ok().as_deref(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_hyphen_after_the_number_continues_a_greeting() {
        for (line, expected) in
            [("220-a", true), ("220 a", false), ("22-a", false), ("SSH-2.0", false), ("", false)]
        {
            assert_eq!(continues(line.as_bytes()), expected, "{line}");
        }
    }
}
