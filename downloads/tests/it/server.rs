//! The loopback servers that the tests use.
#![allow(clippy::unwrap_used, dead_code, reason = "no test uses all of this test support")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Ignores the events of a download. This is a function and not a closure, so that the generic code
/// is compiled only once for all tests.
pub fn no_report(_: downloads::Event<'_>) {}

/// Ignores the events of many downloads.
pub fn no_reports(_: usize, _: downloads::Event<'_>) {}

/// Returns the contents of the file with this name. The contents differ from name to name, and are
/// too large to pass through a socket in one piece.
pub fn contents(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(300_000).collect()
}

/// Serves `/{name}` and `/status/{code}`. Returns the root URL, and the largest number of requests
/// that were in flight at the same time.
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

/// Answers every request with the first bytes of a longer file, and then hangs up or stays silent.
pub async fn breaks_off(then_silent: bool) -> String {
    let bytes = answer(200, "Content-Length: 1000000\r\n", b"only the beginning");
    let then = if then_silent { Then::StaySilent } else { Then::HangUp };
    script(vec![Reply { bytes, then }]).await.0
}

/// The server's reply to one request.
#[derive(Clone)]
pub struct Reply {
    pub bytes: Vec<u8>,
    pub then: Then,
}

/// What the server does with the connection after a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The server closes the connection.
    HangUp,
    /// The connection stays open, and the server sends nothing more.
    StaySilent,
    /// The server reads the next request from the connection.
    ReadOn,
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, then: Then::HangUp }
    }
}

/// Answers the first request with the first reply, the second with the second, and so on. Answers
/// all later requests with the last reply. Records each request, in lower case, and the time of its
/// arrival.
pub async fn script(replies: Vec<Reply>) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let (seen, replies) = (asked.clone(), Arc::new(replies));
    tokio::spawn(async move {
        loop {
            // A client may open a connection that it never uses, so each connection has its own
            // task.
            let (socket, _) = listener.accept().await.unwrap();
            seen.connections.fetch_add(1, SeqCst);
            tokio::spawn(follow(socket, Arc::clone(&replies), seen.clone()));
        }
    });
    (root, asked)
}

/// Serves one connection of a [`script`].
async fn follow(mut socket: TcpStream, replies: Arc<Vec<Reply>>, asked: Asked) {
    while let Some(request) = read_head(&mut socket).await {
        let place = asked.record(request).min(replies.len() - 1);
        let Reply { bytes, then } = &replies[place];
        let _ = socket.write_all(bytes).await;
        match then {
            Then::HangUp => return,
            Then::StaySilent => std::future::pending().await,
            Then::ReadOn => {}
        }
    }
}

/// Reads the head of a request, and returns it in lower case. Returns `None` if the client closes
/// the connection instead.
async fn read_head(socket: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).to_lowercase())
}

/// Announces a body with these headers, and then sends chunks of 16 KiB for as long as the client
/// reads them. Counts the chunks.
pub async fn endless(headers: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let sent = Arc::clone(&counted);
            tokio::spawn(async move {
                read_head(&mut socket).await;
                let headers = format!("{headers}Transfer-Encoding: chunked\r\n");
                let _ = socket.write_all(&answer(200, &headers, b"")).await;
                let chunk = [b"4000\r\n", &[b'x'; 16 << 10][..], b"\r\n"].concat();
                // An end after 64 MiB, so that a client that reads everything fails its test soon.
                while sent.fetch_add(1, SeqCst) < 4000 && socket.write_all(&chunk).await.is_ok() {}
                let _ = socket.write_all(b"0\r\n\r\n").await;
            });
        }
    });
    (root, sent)
}

/// The requests that a server has received.
#[derive(Clone, Default)]
pub struct Asked {
    requests: Arc<Mutex<Vec<(Instant, String)>>>,
    connections: Arc<AtomicUsize>,
}

impl Asked {
    /// Records a request. Returns how many came before it.
    fn record(&self, request: String) -> usize {
        let mut asked = self.requests.lock().unwrap();
        asked.push((Instant::now(), request));
        asked.len() - 1
    }

    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    pub fn times(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub fn when(&self, place: usize) -> Instant {
        self.requests.lock().unwrap()[place].0
    }

    /// Returns the value of a header of a request.
    pub fn header(&self, place: usize, name: &str) -> Option<String> {
        let asked = self.requests.lock().unwrap();
        let line =
            asked[place].1.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    }
}

/// Returns a response with these headers (`Name: value\r\n` each) and this body. It announces that
/// the server will close the connection. Otherwise, a client could send its next request while the
/// connection is being closed.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// How a server sends its file.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Sends pieces as fast as the client reads.
    Fast,
    /// Pauses for a millisecond after each piece.
    Slow,
    /// Sends slowly. The first response stops after this many pieces, and the connection stays
    /// open.
    StopsAfter(usize),
    /// Closes every connection after this many pieces.
    BreaksAfter(usize),
}

/// Serves one file as a well-behaved server does, with ranges and an entity tag, in pieces of
/// [`PIECE`] bytes. Returns the root URL, and a receiver of the number of pieces sent so far.
pub async fn with_ranges(contents: Arc<Vec<u8>>, pace: Pace) -> (String, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let (sent, sent_so_far) = watch::channel(0);
    tokio::spawn(async move {
        let mut pace = pace;
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(send_range(socket, Arc::clone(&contents), pace, sent.clone()));
            if let Pace::StopsAfter(_) = pace {
                pace = Pace::Slow;
            }
        }
    });
    (root, sent_so_far)
}

/// The size of the pieces of [`with_ranges`].
pub const PIECE: usize = 32 << 10;

/// Answers one request for a range of `contents`.
async fn send_range(
    mut socket: TcpStream,
    contents: Arc<Vec<u8>>,
    pace: Pace,
    sent: watch::Sender<usize>,
) {
    let Some(request) = read_head(&mut socket).await else { return };
    let from = request.lines().find_map(|line| {
        line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
    });
    let all = contents.len();
    let (status, range, from) = match from {
        Some(from) if from >= all => (416, format!("Content-Range: bytes */{all}\r\n"), all),
        Some(from) => {
            let last = all - 1;
            (206, format!("Content-Range: bytes {from}-{last}/{all}\r\n"), from)
        }
        None => (200, String::new(), 0),
    };
    let headers = format!("ETag: \"v1\"\r\nContent-Length: {}\r\n{range}", all - from);
    let _ = socket.write_all(&answer(status, &headers, b"")).await;
    for (place, piece) in contents[from..].chunks(PIECE).enumerate() {
        match pace {
            Pace::StopsAfter(most) if place == most => std::future::pending().await,
            Pace::BreaksAfter(most) if place == most => return,
            _ => {}
        }
        if socket.write_all(piece).await.is_err() {
            return;
        }
        sent.send_modify(|sent| *sent += 1);
        if !matches!(pace, Pace::Fast) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Answers every request over TLS with this reply, in the name of `localhost`. Returns the root URL.
pub async fn over_tls(reply: Vec<u8>) -> String {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{self, ServerConfig};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key")).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate breaks off the handshake.
            if let Ok(mut socket) = acceptor.accept(socket).await
                && read_head(&mut socket).await.is_some()
            {
                let _ = socket.write_all(&reply).await;
                let _ = socket.shutdown().await;
            }
        }
    });
    root
}

/// The certificate of the authority that vouches for [`over_tls`].
pub const AUTHORITY: &str = include_str!("tls/ca.pem");

pub fn client() -> reqwest::Client {
    downloads::client_builder().tls_certs_only([]).no_proxy().build().unwrap()
}

/// Returns the names of all files in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits until a file exists.
pub async fn appears(path: &Path) {
    wait_until(&format!("{} exists", path.display()), || path.exists()).await;
}

/// Waits until a file no longer exists.
pub async fn disappears(path: &Path) {
    wait_until(&format!("{} is removed", path.display()), || !path.exists()).await;
}

/// Waits for a condition by checking it repeatedly. The time limit is much longer than even a busy
/// machine needs. If a promise is broken, the test fails at the limit instead of waiting forever.
pub async fn wait_until(condition: &str, mut is_met: impl FnMut() -> bool) {
    let polling = async {
        while !is_met() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, polling).await.unwrap_or_else(|_| panic!("never: {condition}"));
}

/// Returns options for tests: up to `n` downloads at the same time, and no retries.
pub fn concurrency(n: usize) -> downloads::Options {
    let concurrency = std::num::NonZeroUsize::new(n).unwrap();
    downloads::Options { concurrency, retries: 0, ..Default::default() }
}

pub fn to(folder: &Path, root: &str, name: &str) -> downloads::Download {
    let url = format!("{root}/{name}");
    downloads::Download { url, path: folder.join(name), may_be_renamed: true, sha256: None }
}
