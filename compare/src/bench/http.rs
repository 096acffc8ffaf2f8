//! Sends HTTP GET requests over loopback, with two kinds of clients: hyper, which is the same on
//! all runtimes, and the client that most users of each runtime choose. The server runs in the
//! parent process. The server's threads share the cores with this process, but their CPU time is
//! not part of the figures.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Request, Uri};

use super::load::{Client, Outcome, load};
use super::rt::Rt;
use super::rt::threads::Threads;
use super::server::{BODY, HEAD};
use super::workloads::{Sample, Setting};

/// A runtime whose connections hyper can use.
pub trait HttpRt: Rt {
    type Io: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static;

    fn io(stream: Self::Stream) -> Self::Io;
}

/// Checks that a body has the length that the server sends, and returns the length.
fn check_length(length: usize) -> Outcome<u64> {
    (length == BODY)
        .then_some(BODY as u64)
        .ok_or_else(|| format!("expected a body of {BODY} bytes, received {length}").into())
}

/// A client that uses hyper on one persistent connection.
pub struct Hyper<R: HttpRt> {
    sender: SendRequest<Empty<Bytes>>,
    uri: Uri,
    /// The task that transfers the bytes. On smol, dropping its handle would close the connection.
    _connection: R::Task<()>,
}

impl<R: HttpRt<Task<()>: Send>> Client for Hyper<R> {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        let mut clients = Vec::new();
        for _ in 0..count {
            let stream = R::io(R::connect(server).await?);
            let (sender, connection) = http1::handshake(stream).await?;
            let _connection = R::spawn(async { drop(connection.await) });
            clients.push(Self { sender, uri: format!("http://{server}/").parse()?, _connection });
        }
        Ok(clients)
    }

    async fn request(&mut self) -> Outcome<u64> {
        let host = self.uri.authority().ok_or("no host")?.as_str();
        let request = Request::get(self.uri.path()).header(HOST, host).body(Empty::new())?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        check_length(response.into_body().collect().await?.to_bytes().len())
    }
}

/// The client that most users of Tokio choose. Clones of the client share their connections.
#[cfg(feature = "tokio")]
pub struct Reqwest(reqwest::Client, String);

#[cfg(feature = "tokio")]
impl Client for Reqwest {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        // The comment on the feature `tls` in Cargo.toml explains why we need a provider. This call
        // fails only if one is already installed.
        #[cfg(feature = "tls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy();
        #[cfg(feature = "tls")]
        let client = client.tls_certs_only([]);
        let client = client.build()?;
        Ok((0..count).map(|_| Self(client.clone(), format!("http://{server}/"))).collect())
    }

    async fn request(&mut self) -> Outcome<u64> {
        check_length(self.0.get(&self.1).send().await?.bytes().await?.len())
    }
}

/// The client that most users of async-std chose. Clones of the client share their connections.
#[cfg(feature = "async-std")]
pub struct Surf(surf::Client, String);

#[cfg(feature = "async-std")]
impl Client for Surf {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        let client = surf::Client::new();
        Ok((0..count).map(|_| Self(client.clone(), format!("http://{server}/"))).collect())
    }

    async fn request(&mut self) -> Outcome<u64> {
        check_length(self.0.get(&self.1).recv_bytes().await?.len())
    }
}

/// The control: a blocking socket, and only the part of HTTP that this server requires.
pub struct Blocking(TcpStream, Vec<u8>);

impl Client for Blocking {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        let connect = |_| {
            let stream = TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            Ok(Self(stream, vec![0; HEAD.len() + BODY]))
        };
        (0..count).map(connect).collect()
    }

    async fn request(&mut self) -> Outcome<u64> {
        self.0.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        self.0.read_exact(&mut self.1)?;
        check_length(self.1.len() - HEAD.len())
    }
}

/// The number of concurrent requests, each on a persistent connection.
const AT_ONCE: usize = 16;

fn get<R: Rt, C: Client>(setting: Setting) -> Sample {
    R::run(setting.threads, load::<R, C>(setting.server, AT_ONCE, setting.count(500)))
}

/// Runs the workload with hyper.
pub fn hyper<R: HttpRt<Task<()>: Send>>(setting: Setting) -> Sample {
    get::<R, Hyper<R>>(setting)
}

/// Runs the workload with the client that most users of this runtime choose.
pub fn own<R: OwnClient>(setting: Setting) -> Sample {
    get::<R, R::Own>(setting)
}

/// Runs the workload with blocking sockets.
pub fn blocking(setting: Setting) -> Sample {
    get::<Threads, Blocking>(setting)
}

/// A runtime, and the client that most of its users choose.
pub trait OwnClient: Rt {
    type Own: Client;
}

#[cfg(feature = "tokio")]
impl HttpRt for super::rt::tokio::Tokio {
    type Io = hyper_util::rt::TokioIo<Self::Stream>;

    fn io(stream: Self::Stream) -> Self::Io {
        hyper_util::rt::TokioIo::new(stream)
    }
}

#[cfg(feature = "tokio")]
impl OwnClient for super::rt::tokio::Tokio {
    type Own = Reqwest;
}

#[cfg(feature = "async-std")]
impl HttpRt for super::rt::async_std::AsyncStd {
    type Io = smol_hyper::rt::FuturesIo<Self::Stream>;

    fn io(stream: Self::Stream) -> Self::Io {
        smol_hyper::rt::FuturesIo::new(stream)
    }
}

#[cfg(feature = "async-std")]
impl OwnClient for super::rt::async_std::AsyncStd {
    type Own = Surf;
}

#[cfg(feature = "smol")]
impl HttpRt for super::rt::smol::Smol {
    type Io = smol_hyper::rt::FuturesIo<Self::Stream>;

    fn io(stream: Self::Stream) -> Self::Io {
        smol_hyper::rt::FuturesIo::new(stream)
    }
}

/// smol does not come with an HTTP client. hyper through smol-hyper is one of several choices;
/// isahc is another.
#[cfg(feature = "smol")]
impl OwnClient for super::rt::smol::Smol {
    type Own = Hyper<Self>;
}
