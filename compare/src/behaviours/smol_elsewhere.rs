//! A future awaits a smol timer and connects a smol TCP stream, without any bridge. On which
//! runtimes does that work?

use std::net::TcpListener;

use super::{A_MOMENT, Seen, attempt};

async fn sleep_and_connect() {
    smol::Timer::after(A_MOMENT).await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    smol::net::TcpStream::connect(address).await.expect("the listener is bound");
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    attempt(sleep_and_connect()).await
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    attempt(sleep_and_connect()).await
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    attempt(sleep_and_connect()).await
}
