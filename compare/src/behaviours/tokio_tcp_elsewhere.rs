//! A future connects a Tokio TCP stream, without any bridge. On which runtimes does that work?

use std::net::TcpListener;

use super::{Seen, attempt};

async fn connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    tokio::net::TcpStream::connect(address).await.expect("the listener is bound");
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    attempt(connect()).await
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    attempt(connect()).await
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    attempt(connect()).await
}
