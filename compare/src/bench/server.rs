//! The HTTP server for the benches. It runs on plain threads in the parent process, and answers
//! every request with the same response.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The length of a response body, in bytes.
pub const BODY: usize = 1024;
/// The head of a response.
pub const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n";

/// Starts the server on a free loopback port. It runs until the program ends.
///
/// # Errors
/// Fails if the server cannot listen.
pub fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An error means that the client has closed the connection, so there is nothing left to
            // do.
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Answers requests without a body, one at a time, until the client closes the connection.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let response = [HEAD.as_bytes(), &[b'a'; BODY]].concat();
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..count]);
        if request.ends_with(b"\r\n\r\n") {
            stream.write_all(&response)?;
            request.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_answered_even_if_it_arrives_in_parts() {
        let mut stream = TcpStream::connect(start().unwrap()).unwrap();
        for part in ["GET / HTTP/1.1\r\n", "Host: a\r\n\r\n", "GET /b HTTP/1.1\r\n\r\n"] {
            stream.write_all(part.as_bytes()).unwrap();
            if part.ends_with("\r\n\r\n") {
                let mut answer = [0; HEAD.len() + BODY];
                stream.read_exact(&mut answer).unwrap();
                assert!(answer.starts_with(HEAD.as_bytes()));
                assert!(answer.ends_with(b"a"));
            }
        }
    }
}
