//! Connects to a service, even if some of its addresses do not answer.
//!
//! A name often has several addresses, both IPv6 and IPv4. If an address does not answer, an
//! attempt to connect to it takes as long as the timeout. So we give each address a short head
//! start, then try the next one as well, and take the first connection that is accepted. This is
//! called *Happy Eyeballs* (RFC 8305, section 5). [`hedged`](crate::hedged) uses the same idea, but
//! asks the same service twice.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};

use crate::error::{Phase, ServiceError};

/// The time to wait for one address before we try the next one as well (RFC 8305, section 8).
const HEAD_START: Duration = Duration::from_millis(250);

/// Looks up the name, and returns a connection to the first of the name's addresses that accepts
/// one. The lookup and the connecting together may take at most `time_limit`.
///
/// Dropping the future gives up all attempts. A name lookup in progress continues on its own
/// thread, because a blocking `getaddrinfo` call cannot be interrupted.
///
/// # Errors
/// Returns [`ServiceError::BadAddress`], [`ServiceError::NameNotFound`],
/// [`ServiceError::CannotConnect`] with the error of the last address that failed, or
/// [`ServiceError::TimedOut`].
pub async fn connect(address: &str, time_limit: Duration) -> Result<TcpStream, ServiceError> {
    let connected = async {
        let host_and_port = host_and_port(address).ok_or(ServiceError::BadAddress)?;
        let addresses = lookup_host(host_and_port).await.map_err(ServiceError::NameNotFound)?;
        let addresses = interleaved(addresses.collect());
        first_connection(addresses).await.map_err(ServiceError::CannotConnect)
    };
    // `timeout` polls a future next to a timer. If the timer fires first, `timeout` drops the
    // future and returns an error.
    let timed_out = |_| ServiceError::TimedOut { phase: Phase::Connecting, after: time_limit };
    timeout(time_limit, connected).await.map_err(timed_out)?
}

/// Tries one address after another, and returns the first connection that is accepted. The next
/// attempt starts when an attempt has failed, or after [`HEAD_START`]. Earlier attempts continue
/// until one of the attempts succeeds.
async fn first_connection(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut attempts = FuturesUnordered::new();
    let mut addresses = addresses.into_iter().peekable();
    loop {
        attempts.extend(addresses.next().map(TcpStream::connect));
        tokio::select! {
            result = attempts.next() => match result {
                Some(Ok(stream)) => return Ok(stream), // this drops the other attempts
                Some(Err(failed)) => error = failed,
                None => return Err(error),
            },
            () = sleep(HEAD_START), if addresses.peek().is_some() => {}
        }
    }
}

/// Orders the addresses so that IPv6 and IPv4 take turns. The first address stays first: the system
/// has sorted the list, and begins with the address that it prefers.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else { return addresses };
    let is_like_first = |address: &SocketAddr| address.is_ipv6() == first.is_ipv6();
    let (ours, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(is_like_first);
    let mut others = others.into_iter();
    let mut ordered = Vec::new();
    for address in ours {
        ordered.push(address);
        ordered.extend(others.next());
    }
    ordered.extend(others);
    ordered
}

/// Splits `HOST:PORT` into the host and the port. An IPv6 address contains colons, so it must be
/// written in brackets: `[::1]:22`.
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

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[test]
    fn the_two_families_of_addresses_take_turns() {
        let addresses = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|address| address.parse().unwrap()).collect()
        };
        for (given, expected) in [
            (&["[::1]:1", "[::2]:1", "1.1.1.1:1"][..], &["[::1]:1", "1.1.1.1:1", "[::2]:1"][..]),
            (&["1.1.1.1:1", "[::1]:1", "[::2]:1"], &["1.1.1.1:1", "[::1]:1", "[::2]:1"]),
            (&["1.1.1.1:1", "2.2.2.2:1"], &["1.1.1.1:1", "2.2.2.2:1"]),
            (&[], &[]),
        ] {
            assert_eq!(interleaved(addresses(given)), addresses(expected));
        }
    }

    #[tokio::test]
    async fn a_refused_address_does_not_hide_the_next_one() {
        let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let healthy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = vec![refused, healthy.local_addr().unwrap()];
        assert!(first_connection(addresses).await.is_ok());
        assert!(first_connection(vec![refused, refused]).await.is_err());
        assert!(first_connection(vec![]).await.is_err());
    }

    // On Linux, a new connection has to wait while the listener's queue is full.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_healthy_one() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let dead = socket.listen(1).unwrap();
        let address = dead.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(HEAD_START, TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
        }
        let healthy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = vec![address, address, healthy.local_addr().unwrap()];
        // On its own, the system would try to connect to the dead address for minutes.
        let limit = Duration::from_secs(20);
        let stream = timeout(limit, first_connection(addresses)).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), healthy.local_addr().unwrap());
    }

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
