//! Sends one HTTP request on smol. hyper implements the protocol, and smol-hyper adapts smol's
//! sockets to hyper.

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use smol::net::TcpStream;
use smol_hyper::rt::FuturesIo;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Sends a GET request on a new connection, and returns the response as soon as its head has
/// arrived. The caller reads the body.
///
/// # Errors
/// Fails if the URL is invalid, if the connection cannot be opened, or if the server does not send
/// a valid HTTP response.
pub async fn send(url: &str) -> Result<Response<Incoming>, Error> {
    let uri: Uri = url.parse()?;
    let host = uri.host().ok_or("the URL has no host")?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
    // The connection future transfers the bytes, so something has to poll it. A separate task does
    // that, and ends together with the connection.
    smol::spawn(connection).detach();
    let path = uri.path_and_query().ok_or("the URL has no path")?.as_str();
    let host = uri.authority().ok_or("the URL has no host")?.as_str();
    let request = Request::get(path).header(header::HOST, host).body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}
