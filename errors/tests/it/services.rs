//! Loopback services that greet, and that do not.
#![allow(clippy::unwrap_used, dead_code, reason = "test support, of which each test uses a part")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

/// A service that sends `bytes` and hangs up.
pub async fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    says_on(listener, bytes);
    address
}

/// Does the same on a listener that already exists.
pub fn says_on(listener: TcpListener, bytes: &'static [u8]) {
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(bytes).await;
        }
    });
}

/// A service that says nothing. It reports each connection, and each end of one.
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
                // Ends when the other side has hung up.
                let _ = stream.read(&mut [0]).await;
                let _ = events.send("closed");
            });
        }
    });
    (address, seen)
}

/// A service that greets with `bytes` the `n`-th time it is asked and from then on, and before that
/// hangs up. It reports each connection.
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

/// A port at which nobody listens, and the socket that keeps others from taking it. A connection to it
/// is refused until `listen` is called on the socket.
pub fn reserved() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// A port at which nobody listens as long as the test program runs.
pub fn closed() -> String {
    let (socket, address) = reserved();
    std::mem::forget(socket);
    address
}
