//! A future awaits a Tokio sleep and connects a Tokio TCP stream, inside async-compat's `Compat`.
//! On which runtimes does that work?

use std::net::TcpListener;

use async_compat::Compat;

use super::{A_MOMENT, Seen, attempt};

/// Sleeps and connects inside a `Compat`. Outside a Tokio runtime, async-compat starts one when
/// `Compat` is first used.
async fn sleep_and_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    let bridged = Compat::new(async move {
        tokio::time::sleep(A_MOMENT).await;
        tokio::net::TcpStream::connect(address).await.expect("the listener is bound");
    });
    bridged.await
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
