//! Starts the services that the demonstration asks.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

use super::clock::print_line;

/// Starts a service on a free port, and returns its address. The service runs until the program
/// ends, and calls `behave` for each connection in a separate task. The connections are numbered
/// from 1.
pub async fn serve<F>(behave: impl Fn(u32, TcpStream) -> F + Send + 'static) -> io::Result<String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        for number in 1.. {
            let Ok((stream, _)) = listener.accept().await else { break };
            tokio::spawn(behave(number, stream));
        }
    });
    Ok(address.to_string())
}

/// Sends a greeting after `time`, unless the caller hangs up first. Returns `false` if the caller
/// hung up.
pub async fn greet_after(time: Duration, mut stream: TcpStream) -> bool {
    let mut buffer = [0];
    tokio::select! {
        // The caller never sends anything. This read ends when the caller closes its socket, which
        // is what dropping a request does.
        _ = stream.read(&mut buffer) => {
            print_line("         (a service: the caller has hung up)");
            false
        }
        () = sleep(time) => {
            let _ = stream.write_all(b"220 ready when you are\r\n").await;
            true
        }
    }
}

/// Starts a service that sends its greeting after `time`.
pub async fn greeting_after(time: Duration) -> io::Result<String> {
    serve(move |_, stream| async move {
        greet_after(time, stream).await;
    })
    .await
}

/// Starts a service that accepts the connection and sends nothing until the caller hangs up.
pub async fn silent() -> io::Result<String> {
    serve(|_, mut stream| async move {
        let _ = stream.read(&mut [0]).await;
    })
    .await
}

/// Starts a service that sends a line that isn't text.
pub async fn garbage() -> io::Result<String> {
    serve(|_, mut stream| async move {
        let _ = stream.write_all(b"\xff\xfe\x00\n").await;
    })
    .await
}

/// Starts a service that immediately hangs up on its first two callers, and greets all later
/// callers.
pub async fn shaky() -> io::Result<String> {
    serve(|number, mut stream| async move {
        if number >= 3 {
            let _ = stream.write_all(b"220 here I am\r\n").await;
        }
    })
    .await
}

/// Returns the address of a port that refuses connections. As long as the returned socket lives,
/// no other program can take the port.
pub fn closed() -> io::Result<(TcpSocket, String)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = socket.local_addr()?.to_string();
    Ok((socket, address))
}
