//! The loopback servers that the lessons talk to.
//!
//! The servers run on plain threads in the parent process, so that a run's figures do not include
//! the servers' work.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The addresses of the servers, which run until the program ends.
#[derive(Debug)]
pub struct Stage {
    http: SocketAddr,
    /// The server that sends a greeting, which is a line of text.
    pub healthy: SocketAddr,
    /// The server that accepts connections and sends nothing.
    pub silent: SocketAddr,
    /// The server that sends bytes that are not valid UTF-8.
    pub garbage: SocketAddr,
    /// The server that accepts connections and closes them immediately.
    pub closing: SocketAddr,
    /// A port on which no server listens.
    pub closed: SocketAddr,
}

impl Stage {
    /// Starts all servers on free ports.
    ///
    /// # Errors
    /// Fails if a server cannot listen.
    pub fn start() -> io::Result<Self> {
        let in_flight = Arc::new(AtomicUsize::new(0));
        Ok(Self {
            http: serve(move |stream| answer_http(stream, &in_flight))?,
            healthy: serve(|mut stream| stream.write_all(b"220 ready\r\n"))?,
            silent: serve(|stream| {
                // Wait until the client closes the connection.
                BufReader::new(stream).read_until(b'\n', &mut Vec::new()).map(drop)
            })?,
            garbage: serve(|mut stream| stream.write_all(b"\xff\xfe\x00\n"))?,
            closing: serve(|_| Ok(()))?,
            closed: TcpListener::bind("127.0.0.1:0")?.local_addr()?,
        })
    }

    /// Returns the URL of a path on the HTTP server. The server knows these paths:
    ///
    /// - `delay/{ms}/{text}` answers with the text after a delay.
    /// - `limited/{n}/{ms}/{text}` does the same, but answers 429 if more than `n` requests are in
    ///   flight.
    /// - `status/{code}` answers with this status.
    /// - `file/{name}/{bytes}` answers with a file of this length.
    /// - `short/{name}/{bytes}` announces the same file, but closes the connection after half of
    ///   it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.http)
    }
}

/// An empty temporary folder for one run. The folder is removed after the run.
#[derive(Debug)]
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// Creates the folder.
    ///
    /// # Errors
    /// Fails if the folder cannot be created.
    pub fn new() -> io::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// Returns the path of the folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Returns the contents of a file on the HTTP server, which depend only on the file's name and
/// length.
pub fn contents(name: &str, bytes: usize) -> Vec<u8> {
    name.bytes().cycle().take(bytes).collect()
}

/// Accepts connections on a free port forever, and serves each of them on a separate thread.
fn serve(
    answer: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // An error means that the client has closed the connection, so there is nothing left to
            // do.
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Answers the requests on one connection until the client closes it.
fn answer_http(stream: TcpStream, in_flight: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut output = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    // The lessons send requests without a body: a first line, some headers, and an empty line.
    while let Some(request) = lines.next().transpose()? {
        while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
        let path = request.split(' ').nth(1).unwrap_or_default();
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let late = |ms: &str| {
            thread::sleep(Duration::from_millis(ms.parse().unwrap_or_default()));
        };
        match parts[..] {
            ["delay", ms, text] => {
                late(ms);
                respond(&mut output, "200 OK", text.len(), text.as_bytes())?;
            }
            ["limited", most, ms, text] => {
                let now = in_flight.fetch_add(1, SeqCst) + 1;
                late(ms);
                // Count down before we send the answer, because the client may send its next
                // request immediately after it has received the answer.
                in_flight.fetch_sub(1, SeqCst);
                let fits = now <= most.parse().unwrap_or_default();
                let status = if fits { "200 OK" } else { "429 Too Many Requests" };
                respond(&mut output, status, text.len(), text.as_bytes())?;
            }
            ["status", code] => respond(&mut output, &format!("{code} As Asked"), 0, b"")?,
            ["file", name, bytes] => {
                let body = contents(name, bytes.parse().unwrap_or_default());
                respond(&mut output, "200 OK", body.len(), &body)?;
            }
            ["short", name, bytes] => {
                let body = contents(name, bytes.parse().unwrap_or_default());
                return respond(&mut output, "200 OK", body.len(), &body[..body.len() / 2]);
            }
            _ => respond(&mut output, "404 Not Found", 0, b"")?,
        }
    }
    Ok(())
}

fn respond(output: &mut TcpStream, status: &str, length: usize, body: &[u8]) -> io::Result<()> {
    write!(output, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n")?;
    output.write_all(body)
}
