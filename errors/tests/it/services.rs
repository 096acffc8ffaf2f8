//! Services for the tests, on this machine: some greet, and some fail.
#![allow(clippy::unwrap_used, dead_code, reason = "test support")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

/// Starts a service that sends `bytes` and hangs up.
pub async fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    says_on(listener, bytes);
    address
}

/// Does the same as [`says`] on a listener that already exists.
pub fn says_on(listener: TcpListener, bytes: &'static [u8]) {
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(bytes).await;
        }
    });
}

/// Starts a service that sends nothing. The service reports when a connection is opened and when
/// it is closed.
pub async fn silent() -> (String, mpsc::UnboundedReceiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (events, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = events.send("connected");
            let events = events.clone();
            tokio::spawn(async move {
                // The caller sends nothing, so this read ends when the caller hangs up.
                let _ = stream.read(&mut [0]).await;
                let _ = events.send("closed");
            });
        }
    });
    (address, seen)
}

/// Starts a service that hangs up on the first `n - 1` connections and greets with `bytes` from
/// then on. The service reports each connection.
pub async fn shaky(n: usize, bytes: &'static [u8]) -> (String, mpsc::UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (events, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = events.send(number);
            if number >= n {
                let _ = stream.write_all(bytes).await;
            }
        }
    });
    (address, seen)
}

/// Returns the address of a port that refuses connections, and the socket that keeps other programs
/// from taking the port. Connections are refused until `listen` is called on the socket.
pub fn reserved() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// Returns the address of a port that refuses connections as long as the test program runs.
pub fn closed() -> String {
    let (socket, address) = reserved();
    std::mem::forget(socket);
    address
}
