//! HTTP GET on loopback: by hyper, which is the same on all runtimes, and by the client that users of
//! each runtime take. The server is in the parent process; its threads share the cores, and their CPU is
//! not counted here.

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

/// A runtime on whose connections hyper can speak.
pub trait HttpRt: Rt {
    type Io: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static;

    fn io(stream: Self::Stream) -> Self::Io;
}

/// An answer whose body is so long.
fn whole(length: usize) -> Outcome<u64> {
    (length == BODY).then_some(BODY as u64).ok_or_else(|| "not the whole page".into())
}

/// hyper: one connection, kept.
pub struct Hyper<R: HttpRt> {
    sender: SendRequest<Empty<Bytes>>,
    uri: Uri,
    /// What moves the bytes. On smol it ends when its task is dropped.
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
        whole(response.into_body().collect().await?.to_bytes().len())
    }
}

/// What a user of Tokio takes: clones share their connections.
#[cfg(feature = "tokio")]
pub struct Reqwest(reqwest::Client, String);

#[cfg(feature = "tokio")]
impl Client for Reqwest {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        // See the feature in Cargo.toml. An error: there is a provider already.
        #[cfg(feature = "tls")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy();
        #[cfg(feature = "tls")]
        let client = client.tls_certs_only([]);
        let client = client.build()?;
        Ok((0..count).map(|_| Self(client.clone(), format!("http://{server}/"))).collect())
    }

    async fn request(&mut self) -> Outcome<u64> {
        whole(self.0.get(&self.1).send().await?.bytes().await?.len())
    }
}

/// What a user of async-std took: clones share their connections.
#[cfg(feature = "async-std")]
pub struct Surf(surf::Client, String);

#[cfg(feature = "async-std")]
impl Client for Surf {
    async fn all(server: SocketAddr, count: usize) -> Outcome<Vec<Self>> {
        let client = surf::Client::new();
        Ok((0..count).map(|_| Self(client.clone(), format!("http://{server}/"))).collect())
    }

    async fn request(&mut self) -> Outcome<u64> {
        whole(self.0.get(&self.1).recv_bytes().await?.len())
    }
}

/// The control: a socket that blocks, and no more of HTTP than this server needs.
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
        whole(self.1.len() - HEAD.len())
    }
}

/// So many requests at once, each over a connection that is kept.
const AT_ONCE: usize = 16;

fn get<R: Rt, C: Client>(setting: Setting) -> Sample {
    R::run(setting.threads, load::<R, C>(setting.server, AT_ONCE, setting.count(500)))
}

/// By hyper.
pub fn hyper<R: HttpRt<Task<()>: Send>>(setting: Setting) -> Sample {
    get::<R, Hyper<R>>(setting)
}

/// By the client of this runtime's users.
pub fn own<R: OwnClient>(setting: Setting) -> Sample {
    get::<R, R::Own>(setting)
}

/// By sockets that block.
pub fn blocking(setting: Setting) -> Sample {
    get::<Threads, Blocking>(setting)
}

/// A runtime and the client its users take.
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

/// smol has no client of its own. hyper through smol-hyper is one of several choices; isahc is another.
#[cfg(feature = "smol")]
impl OwnClient for super::rt::smol::Smol {
    type Own = Hyper<Self>;
}
