//! Loopback servers: one that serves files, one that says what it is told and hangs up or waits.
#![allow(clippy::unwrap_used, dead_code, reason = "test support, of which each test uses a part")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The contents of the file that a server sends under this name: different for each, and larger
/// than what goes through the sockets in one piece.
pub fn contents(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(300_000).collect()
}

/// Serves `/{name}` and `/status/{code}`; returns its root URL and the most requests it has had
/// under way at once.
pub async fn files() -> (String, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let most_seen = most.clone();
    let file = move |UrlPath(name): UrlPath<String>| {
        let (now, most) = (now.clone(), most.clone());
        async move {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, SeqCst);
            contents(&name)
        }
    };
    let status = |UrlPath(code): UrlPath<u16>| async move { StatusCode::from_u16(code).unwrap() };
    let routes = Router::new().route("/{name}", get(file)).route("/status/{code}", get(status));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (root, most_seen)
}

/// Answers every request with the first bytes of a longer file, then hangs up, or stays silent.
pub async fn breaks_off(then_silent: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nonly the beginning";
                let _ = socket.write_all(head.as_bytes()).await;
                if then_silent {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    root
}

/// What a server does with one request: sends these bytes, then hangs up, or stays silent.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub then_silent: bool,
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, then_silent: false }
    }
}

/// Answers the first request with the first reply and so on, and all further ones with the last. Keeps
/// what was asked, in small letters, and when.
pub async fn script(replies: Vec<Reply>) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let length = socket.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            let place = {
                let mut seen = seen.0.lock().unwrap();
                seen.push((Instant::now(), request));
                seen.len().min(replies.len()) - 1
            };
            let _ = socket.write_all(&replies[place].bytes).await;
            if replies[place].then_silent {
                tokio::spawn(async move {
                    std::future::pending::<()>().await;
                    drop(socket);
                });
            } else {
                let _ = socket.shutdown().await;
            }
        }
    });
    (root, asked)
}

/// What a server was asked.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<(Instant, String)>>>);

impl Asked {
    pub fn times(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub fn when(&self, place: usize) -> Instant {
        self.0.lock().unwrap()[place].0
    }

    /// The value of a header of a request.
    pub fn header(&self, place: usize, name: &str) -> Option<String> {
        let asked = self.0.lock().unwrap();
        let line =
            asked[place].1.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    }
}

/// The head of an answer, with these headers (`Name: value\r\n` each), and a body.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} X\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// Serves one file as a good server does, with ranges and an entity tag, in small pieces with a pause
/// of a millisecond between them; returns its root URL.
pub async fn slow_with_ranges(contents: Arc<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let contents = Arc::clone(&contents);
            tokio::spawn(async move {
                let mut request = vec![0; 8192];
                let length = socket.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
                let from = request.lines().find_map(|line| {
                    line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
                });
                let all = contents.len();
                let (head, from) = match from {
                    Some(from) if from >= all => {
                        (format!("416 X\r\nContent-Range: bytes */{all}"), all)
                    }
                    Some(from) => {
                        let last = all - 1;
                        (format!("206 X\r\nContent-Range: bytes {from}-{last}/{all}"), from)
                    }
                    None => ("200 X".into(), 0),
                };
                let length = all - from;
                let head =
                    format!("HTTP/1.1 {head}\r\nETag: \"v1\"\r\nContent-Length: {length}\r\n\r\n");
                let _ = socket.write_all(head.as_bytes()).await;
                for piece in contents[from..].chunks(32 << 10) {
                    if socket.write_all(piece).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        }
    });
    root
}

pub fn client() -> reqwest::Client {
    downloads::client_builder().tls_certs_only([]).no_proxy().build().unwrap()
}

/// The names of all files in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits until a file is there: for the moment at which a download is in the middle.
pub async fn appears(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a file is gone.
pub async fn disappears(path: &Path) {
    while path.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Options for tests: so many at once, and no second attempt.
pub fn at_once(n: usize) -> downloads::Options {
    let at_once = std::num::NonZeroUsize::new(n).unwrap();
    downloads::Options { at_once, retries: 0, ..Default::default() }
}

pub fn to(folder: &Path, root: &str, name: &str) -> downloads::Download {
    let url = format!("{root}/{name}");
    downloads::Download { url, path: folder.join(name), may_be_renamed: true, sha256: None }
}
