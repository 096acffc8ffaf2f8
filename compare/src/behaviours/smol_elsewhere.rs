//! smol's timer and TCP stream on another runtime, with nothing done about it.

use std::net::TcpListener;

use super::{A_MOMENT, Seen, attempt};

async fn sleep_and_connect() {
    smol::Timer::after(A_MOMENT).await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    smol::net::TcpStream::connect(address).await.expect("somebody listens");
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    let tokio = tokio::runtime::Runtime::new().expect("a runtime");
    attempt(|| tokio.block_on(sleep_and_connect()))
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    attempt(|| async_std::task::block_on(sleep_and_connect()))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    attempt(|| smol::block_on(sleep_and_connect()))
}
