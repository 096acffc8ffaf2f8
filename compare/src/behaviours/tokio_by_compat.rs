//! The same sleep and TCP stream of Tokio, wrapped by async-compat.

use std::net::TcpListener;

use async_compat::Compat;

use super::{A_MOMENT, Seen, attempt};

/// `Compat` starts a Tokio of its own beside the runtime, the first time it is used.
async fn sleep_and_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let bridged = Compat::new(async move {
        tokio::time::sleep(A_MOMENT).await;
        tokio::net::TcpStream::connect(address).await.expect("somebody listens");
    });
    bridged.await
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    sleep_and_connect().await;
    "it works".into()
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    attempt(|| async_std::task::block_on(sleep_and_connect()))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    attempt(|| smol::block_on(sleep_and_connect()))
}
