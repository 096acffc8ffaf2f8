//! The risky operation: it connects to a TCP service and reads its greeting line.

use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::error::{Phase, ServiceError};

/// The maximum length of a greeting in bytes, including its line end. SMTP allows 512 (RFC 5321)
/// and SSH 255 (RFC 4253). The limit keeps a service that never ends its line from filling our
/// memory.
pub const MAX_GREETING: u64 = 1024;

/// Connects to a service and returns its greeting line, without the line end. Connecting and
/// reading together may take at most `time_limit`.
///
/// Dropping the future closes the connection. A name lookup in progress continues on its own
/// thread, because a blocking `getaddrinfo` call cannot be interrupted.
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
    let timed_out = |phase| ServiceError::TimedOut { phase, after: time_limit };

    // `timeout` polls a future next to a timer. If the timer fires first, `timeout` drops the
    // future and returns an error. So we get two results, one inside the other: the first `?` is
    // for the result of `timeout`, and the second `?` is for the result of `connect`.
    let connected = timeout(time_limit, connect(address)).await;
    let stream = connected.map_err(|_| timed_out(Phase::Connecting))??;

    let remaining = time_limit.saturating_sub(start.elapsed());
    let line = timeout(remaining, read_greeting(stream)).await;
    line.map_err(|_| timed_out(Phase::Reading))?
}

/// Looks up the name, and tries its addresses until one of them accepts the connection.
async fn connect(address: &str) -> Result<TcpStream, ServiceError> {
    let host_and_port = host_and_port(address).ok_or(ServiceError::BadAddress)?;
    let addresses = lookup_host(host_and_port).await.map_err(ServiceError::NameNotFound)?;
    let addresses: Vec<_> = addresses.collect();
    TcpStream::connect(addresses.as_slice()).await.map_err(ServiceError::CannotConnect)
}

/// Splits `HOST:PORT`. An IPv6 address contains colons itself, so it is written in brackets:
/// `[::1]:22`.
fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let number: u16 = port.parse().ok()?;
    // `parse` also accepts `+22` and `022`, but we don't.
    if number == 0 || number.to_string() != port {
        return None;
    }
    if let Some(rest) = host.strip_prefix('[') {
        let ipv6 = rest.strip_suffix(']')?;
        return ipv6.parse::<Ipv6Addr>().is_ok().then_some((ipv6, number));
    }
    let is_part_of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !host.is_empty() && host.chars().all(is_part_of_a_name);
    is_name.then_some((host, number))
}

/// Reads up to the end of the first line, but at most [`MAX_GREETING`] bytes.
async fn read_greeting(stream: TcpStream) -> Result<String, ServiceError> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(MAX_GREETING));
    reader.read_until(b'\n', &mut line).await.map_err(ServiceError::Broken)?;
    let Some(text) = line.strip_suffix(b"\n") else {
        return Err(match line.len() as u64 {
            MAX_GREETING.. => ServiceError::Garbage("no line end in the first 1024 bytes"),
            _ => ServiceError::ClosedEarly(line.len()),
        });
    };
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    String::from_utf8(text.to_vec()).map_err(|_| ServiceError::Garbage("not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (address, expected) in [
            ("localhost:22", Some(("localhost", 22))),
            ("127.0.0.1:65535", Some(("127.0.0.1", 65535))),
            ("m\u{fc}nchen.example:1", Some(("m\u{fc}nchen.example", 1))),
            ("_smtp-a.example:25", Some(("_smtp-a.example", 25))),
            ("[::1]:22", Some(("::1", 22))),
            ("", None),
            ("host", None),
            ("host:", None),
            (":22", None),
            ("host:0", None),
            ("host:+1", None),
            ("host:022", None),
            ("host:65536", None),
            ("host:port", None),
            ("::1", None),
            ("2001:db8::22", None),
            ("[]:1", None),
            ("[[::1]]:1", None),
            ("[127.0.0.1]:1", None),
            ("http://host:80", None),
            ("user@host:22", None),
            ("a b:22", None),
            ("a:b:22", None),
        ] {
            assert_eq!(host_and_port(address), expected, "{address}");
        }
    }
}
