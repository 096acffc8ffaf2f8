//! The risky operation: connect to a TCP service, and read the line it greets with.

use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::{Phase, ServiceError};

/// The longest greeting taken for one, in bytes with its line end. SMTP allows 512 (RFC 5321),
/// SSH 255 (RFC 4253). Whoever sends more without a line end must not fill our memory.
pub const MAX_GREETING: u64 = 1024;

/// Connects to a service and returns the line it greets with, without its line end, within
/// `time_out` in all. Dropping the future closes the connection; a look-up of the name goes on, on a
/// thread of its own, since systems have no way to stop one.
///
/// # Errors
/// Each way it can fail is a variant of [`ServiceError`]; here it is never `Panicked` or `Cancelled`.
pub async fn greeting(address: &str, time_out: Duration) -> Result<String, ServiceError> {
    let start = Instant::now();
    let late = |phase| move |_| ServiceError::TimedOut { phase, after: time_out };

    // A time-out is a race: whichever is over first, the other is dropped.
    let stream = timeout(time_out, connect(address)).await.map_err(late(Phase::Connecting))??;
    let rest = time_out.saturating_sub(start.elapsed());
    timeout(rest, read_greeting(stream)).await.map_err(late(Phase::Reading))?
}

async fn connect(address: &str) -> Result<TcpStream, ServiceError> {
    let place = host_and_port(address).ok_or(ServiceError::BadAddress)?;
    let addresses = lookup_host(place).await.map_err(ServiceError::NameNotFound)?;
    let addresses: Vec<_> = addresses.collect();
    TcpStream::connect(addresses.as_slice()).await.map_err(ServiceError::CannotConnect)
}

/// Splits `HOST:PORT`. An IPv6 address stands in brackets, `[::1]:22`, or nobody could tell where it
/// ends.
fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port =
        port.parse().ok().filter(|number: &u16| *number > 0 && number.to_string() == port)?;
    if let Some(inside) = host.strip_prefix('[') {
        let host = inside.strip_suffix(']')?;
        return host.parse::<Ipv6Addr>().is_ok().then_some((host, port));
    }
    let is_of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!host.is_empty() && host.chars().all(is_of_a_name)).then_some((host, port))
}

async fn read_greeting(stream: TcpStream) -> Result<String, ServiceError> {
    let mut line = Vec::new();
    let mut bounded = BufReader::new(stream.take(MAX_GREETING));
    bounded.read_until(b'\n', &mut line).await.map_err(ServiceError::Broken)?;
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
