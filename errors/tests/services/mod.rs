//! Loopback services that greet, and that do not.
#![allow(clippy::unwrap_used, dead_code, reason = "test support, of which each test uses a part")]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A service that sends `bytes` and hangs up.
pub async fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
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
            events.send("connected").unwrap();
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

/// A port of this machine at which nobody listens.
pub async fn closed() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}
