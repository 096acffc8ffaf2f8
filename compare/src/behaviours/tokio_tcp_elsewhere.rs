//! Tokio's TCP stream on another runtime, with nothing done about it.

use std::net::TcpListener;

use super::{Seen, attempt};

async fn connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::net::TcpStream::connect(address).await.expect("somebody listens");
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    connect().await;
    "it works".into()
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    attempt(|| async_std::task::block_on(connect()))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    attempt(|| smol::block_on(connect()))
}
