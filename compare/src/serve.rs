//! What the lessons talk to: loopback servers on plain threads in this, the parent process, so
//! that a run's figures are its own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The servers, up until the program ends.
#[derive(Debug)]
pub struct Stage {
    http: SocketAddr,
    /// Greets with a line.
    pub healthy: SocketAddr,
    /// Accepts and says nothing.
    pub silent: SocketAddr,
    /// Greets with bytes that are no text.
    pub garbage: SocketAddr,
    /// Accepts and hangs up.
    pub closing: SocketAddr,
    /// Nobody listens there.
    pub closed: SocketAddr,
}

impl Stage {
    /// Starts all servers on free ports.
    pub fn start() -> io::Result<Self> {
        let under_way = Arc::new(AtomicUsize::new(0));
        Ok(Self {
            http: serve(move |stream| answer_http(stream, &under_way))?,
            healthy: serve(|mut stream| stream.write_all(b"220 ready\r\n"))?,
            silent: serve(|stream| {
                // Until the other side hangs up.
                BufReader::new(stream).read_until(b'\n', &mut Vec::new()).map(drop)
            })?,
            garbage: serve(|mut stream| stream.write_all(b"\xff\xfe\x00\n"))?,
            closing: serve(|_| Ok(()))?,
            closed: TcpListener::bind("127.0.0.1:0")?.local_addr()?,
        })
    }

    /// The URL of a path on the HTTP server: `delay/{ms}/{text}` answers late;
    /// `limited/{n}/{ms}/{text}` does too, and refuses more than n at a time with 429;
    /// `status/{code}`; `file/{name}/{bytes}`; `short/{name}/{bytes}` breaks off in the middle.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.http)
    }
}

/// What one run has to itself: an empty folder, removed after it.
#[derive(Debug)]
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// Makes a new folder.
    pub fn new() -> io::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The contents of a file of the server: the same bytes for the same name and length.
pub fn contents(name: &str, bytes: usize) -> Vec<u8> {
    name.bytes().cycle().take(bytes).collect()
}

/// Accepts for ever on a free port, each connection on a thread of its own.
fn serve(
    answer: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // An error means that the other side has gone: its own affair.
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Answers requests on one connection until it ends.
fn answer_http(stream: TcpStream, under_way: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut output = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    // A request without a body: its first line, headers, an empty line.
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
                let now = under_way.fetch_add(1, SeqCst) + 1;
                late(ms);
                // Before the answer: the next request may come as soon as that is out.
                under_way.fetch_sub(1, SeqCst);
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
