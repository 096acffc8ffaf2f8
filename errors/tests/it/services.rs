//! Loopback services that greet, and that do not.
#![allow(clippy::unwrap_used, dead_code, reason = "test support, of which each test uses a part")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A service that sends `bytes` and hangs up.
pub async fn says(bytes: &'static [u8]) -> String {
    says_at("127.0.0.1:0", bytes).await
}

/// The same at an address of one's choice.
pub async fn says_at(address: &str, bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(bytes).await;
        }
    });
    address
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

/// A port of this machine at which nobody listens.
pub async fn closed() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}
