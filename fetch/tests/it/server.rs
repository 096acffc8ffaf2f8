//! A loopback server that counts the requests in flight, and servers that misbehave.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "test support, and no test module uses all of it"
)]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub asked: Arc<AtomicUsize>,
    now: Arc<AtomicUsize>,
    pub most: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

impl Counts {
    /// Waits until the server has received `n` requests. Panics if that takes longer than 5 s.
    pub async fn until_asked(&self, n: usize) {
        let asked = async {
            while self.asked.load(SeqCst) < n {
                self.changed.notified().await;
            }
        };
        timeout(Duration::from_secs(5), asked)
            .await
            .expect("the request did not arrive within 5 s");
    }
}

/// Serves `/delay/{milliseconds}/{text}`, `/status/{code}` and `/meet/{n}`. `/meet/{n}` answers
/// only when a hundred requests to it are waiting. Returns the root URL and the server's counts.
pub async fn start() -> (String, Counts) {
    let counts = Counts::default();
    let seen = counts.clone();
    let delay = move |Path((milliseconds, text)): Path<(u64, String)>| {
        let seen = seen.clone();
        async move {
            seen.asked.fetch_add(1, SeqCst);
            seen.changed.notify_one();
            let now = seen.now.fetch_add(1, SeqCst) + 1;
            seen.most.fetch_max(now, SeqCst);
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            seen.now.fetch_sub(1, SeqCst);
            text
        }
    };
    let status = |Path(code): Path<u16>| async move { StatusCode::from_u16(code).unwrap() };
    let hundred = Arc::new(tokio::sync::Barrier::new(100));
    let meet = move || async move { _ = hundred.wait().await };
    let routes = Router::new()
        .route("/delay/{ms}/{text}", get(delay))
        .route("/status/{code}", get(status))
        .route("/meet/{n}", get(meet));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (root, counts)
}

/// Starts a server that accepts connections and reads one request from each. If there is an
/// `answer`, the server then sends it and closes the connection; otherwise, it stays silent
/// forever. Returns the root URL.
pub async fn start_raw(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                match answer {
                    Some(text) => drop(socket.write_all(text.as_bytes()).await),
                    None => std::future::pending().await,
                }
            });
        }
    });
    root
}

/// Starts a server that sends the first answer to the first connection, the second answer to the
/// second connection, and so on. All later connections get the last answer. The server closes each
/// connection after its answer. Returns the root URL, and the list of the requests that the server
/// receives, with their times.
pub async fn script(answers: Vec<Vec<u8>>) -> (String, Arc<Mutex<Vec<(Instant, String)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<(Instant, String)>>> = Arc::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            let place = {
                let mut seen = seen.lock().unwrap();
                seen.push((Instant::now(), request));
                seen.len().min(answers.len()) - 1
            };
            let _ = socket.write_all(&answers[place]).await;
            let _ = socket.shutdown().await;
        }
    });
    (root, asked)
}

/// Returns a complete response with these headers, each of the form `Name: value\r\n`.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Starts a server whose only answer waits until the sender is dropped. Returns its URL.
pub async fn gate() -> (String, tokio::sync::oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let (open, opened) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await;
        let _ = opened.await;
        let _ = socket.write_all(&answer(200, "", b"open")).await;
    });
    (root, open)
}

/// Returns the URL of a port on which nothing listens. The socket stays bound, so that no other
/// program can take the port.
pub fn closed() -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let root = format!("http://{}", socket.local_addr().unwrap());
    std::mem::forget(socket);
    root
}

/// Starts a server that reads requests and never answers them. The server reports each request as
/// `asked`, and reports `closed` when the client then closes the connection.
pub async fn silent() -> (String, mpsc::UnboundedReceiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let (events, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let events = events.clone();
            tokio::spawn(async move {
                if socket.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {
                    let _ = events.send("asked");
                    let _ = socket.read(&mut [0]).await;
                    let _ = events.send("closed");
                }
            });
        }
    });
    (root, seen)
}

/// Answers every request over TLS with this answer, in the name of `localhost`. Returns the root
/// URL.
pub async fn over_tls(answer: Vec<u8>) -> String {
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
            if let Ok(mut socket) = acceptor.accept(socket).await {
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(&answer).await;
                let _ = socket.shutdown().await;
            }
        }
    });
    root
}

/// The certificate of the authority that vouches for [`over_tls`].
pub const AUTHORITY: &str = include_str!("tls/ca.pem");

/// An HTTP/2 server that serves ten requests per connection, and then refuses all others.
pub async fn ten_per_connection() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                for _ in 0..10 {
                    let Some(Ok((_, mut respond))) = connection.accept().await else { return };
                    let response = axum::http::Response::new(());
                    let mut body = respond.send_response(response, false).unwrap();
                    body.send_data("ok".into(), true).unwrap();
                }
                connection.graceful_shutdown();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
            });
        }
    });
    root
}

/// Sends these bytes to every client, and then stays silent. Returns the root URL.
pub async fn then_silent(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(&bytes).await;
                std::future::pending::<()>().await;
            });
        }
    });
    root
}

/// Answers every request over HTTP/2 with a mebibyte, as far as the client's windows allow.
pub async fn large_over_http_2() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let response = axum::http::Response::new(());
                    let mut body = respond.send_response(response, false).unwrap();
                    // The connection sends this as the client reads.
                    let _ = body.send_data(vec![7; 1 << 20].into(), true);
                }
            });
        }
    });
    root
}

/// Returns the value of a header in a request.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let value = request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(str::trim)
}

pub fn client() -> reqwest::Client {
    fetch::client_builder().tls_certs_only([]).no_proxy().build().unwrap()
}

/// Returns options for tests: up to `n` requests in flight, and no retries.
pub fn concurrency(n: usize) -> fetch::Options {
    let concurrency = std::num::NonZeroUsize::new(n).unwrap();
    fetch::Options { concurrency, retries: 0, ..Default::default() }
}
