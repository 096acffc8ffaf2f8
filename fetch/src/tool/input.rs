//! Combines the URLs from the command line and from stdin into one stream.

use std::io;

use anyhow::Context;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

/// The longest line to accept, in bytes. Without this limit, input without line ends could fill the
/// memory.
const LONGEST_LINE: u64 = 64 << 10;

/// Returns a stream of the given URLs. A `-` among them stands for the lines of stdin. The stream
/// reads a line only when it is polled for the next URL.
pub fn urls(arguments: Vec<String>) -> impl Stream<Item = anyhow::Result<String>> + Send {
    let urls = stream::iter(arguments).flat_map(|argument| match argument.as_str() {
        "-" => lines(BufReader::new(tokio::io::stdin())).boxed(),
        _ => stream::iter([Ok(argument)]).boxed(),
    });
    urls.map_ok(with_scheme)
}

/// Puts `https://` in front of a bare host, such as `example.org/page` or `localhost:8000`. Returns
/// anything else unchanged.
pub fn with_scheme(text: String) -> String {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let authority = &text[..end];
    let is_bare = match authority.rsplit_once(':') {
        // `[::1]` has colons, but no port.
        _ if authority.starts_with('[') => true,
        Some((_, port)) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
        None => authority.contains('.') || authority == "localhost",
    };
    let is_host = authority.starts_with(|c: char| c.is_alphanumeric() || c == '[');
    let is_plain = !authority.contains(|c: char| c == '@' || c.is_whitespace());
    if is_bare && is_host && is_plain { format!("https://{text}") } else { text }
}

/// Returns a stream of the input's lines. Each line is trimmed, and empty lines are left out.
fn lines(input: impl AsyncBufRead + Unpin + Send) -> impl Stream<Item = anyhow::Result<String>> {
    stream::try_unfold(input, async |mut input| {
        let line = line(&mut input).await.context("stdin")?;
        anyhow::Ok(line.map(|line| (line, input)))
    })
    .try_filter(|line| std::future::ready(!line.is_empty()))
}

async fn line(input: &mut (impl AsyncBufRead + Unpin)) -> anyhow::Result<Option<String>> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
        return Err(io::Error::other("a line is longer than 64 KiB, so it cannot be a URL").into());
    }
    // A line that is not UTF-8 is not a valid URL either, and will be reported as an invalid URL.
    // Some editors begin a file with a byte order mark.
    Ok(Some(String::from_utf8_lossy(&line).trim_start_matches('\u{feff}').trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &[u8]) -> anyhow::Result<Vec<String>> {
        lines(input).try_collect().await
    }

    #[test]
    fn a_bare_host_gets_a_scheme_and_nothing_else_does() {
        for bare in [
            "example.org",
            "example.org/a?b#c",
            "example.org?a:b",
            "localhost",
            "localhost:8000/x",
            "server:8000",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080/x",
        ] {
            assert_eq!(with_scheme(bare.into()), format!("https://{bare}"));
        }
        for other in [
            "http://example.org",
            "HTTPS://example.org/a",
            "ftp://example.org",
            "nonsense",
            "/etc/hosts.txt",
            "./a.txt",
            "me:secret@example.org",
            "me@example.org",
            "mailto:me@example.org",
            "javascript:alert(1.5)",
            "no url at all.",
            "",
            ":80",
            "C:/x",
        ] {
            assert_eq!(with_scheme(other.into()), other);
        }
    }

    #[tokio::test]
    async fn every_line_is_a_url_unless_it_is_empty() {
        assert_eq!(read(b"").await.unwrap(), [""; 0]);
        assert_eq!(read(b"a\n\n  \r\nb \r\nlast").await.unwrap(), ["a", "b", "last"]);
        assert_eq!(read(b"\xff\n").await.unwrap(), ["\u{fffd}"]);
        assert_eq!(read("\u{feff}a\n".as_bytes()).await.unwrap(), ["a"]);
    }

    #[tokio::test]
    async fn a_line_that_never_ends_is_an_error_and_does_not_fill_the_memory() {
        let endless = vec![b'x'; 1 << 20];
        let error = read(&endless).await.unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "stdin: a line is longer than 64 KiB, so it cannot be a URL"
        );
    }
}
