//! One HTTP request on smol: hyper speaks the protocol, and smol-hyper lends it smol's sockets.

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use smol::net::TcpStream;
use smol_hyper::rt::FuturesIo;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Sends a GET on a connection of its own, and returns the answer as soon as its head is there.
pub async fn send(url: &str) -> Result<Response<Incoming>, Error> {
    let uri: Uri = url.parse()?;
    let host = uri.host().ok_or("the URL has no host")?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
    // A task of its own moves the bytes. It ends with the connection.
    smol::spawn(connection).detach();
    let path = uri.path_and_query().ok_or("the URL has no path")?.as_str();
    let host = uri.authority().ok_or("the URL has no host")?.as_str();
    let request = Request::get(path).header(header::HOST, host).body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}
