//! A TCP stream of Tokio, awaited on another runtime: the future was made while a Tokio was entered, and
//! that is over.

use std::net::TcpListener;

use tokio::runtime::Runtime;

use super::{Seen, attempt};

/// The future of a connection, made inside of this Tokio.
fn connect(tokio: &Runtime) -> impl Future<Output = ()> + use<> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let _entered = tokio.enter();
    async move {
        tokio::net::TcpStream::connect(address).await.expect("somebody listens");
        drop(listener);
    }
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    let tokio = Runtime::new().expect("a runtime");
    attempt(|| tokio.block_on(connect(&tokio)))
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    let tokio = Runtime::new().expect("a runtime");
    attempt(|| async_std::task::block_on(connect(&tokio)))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let tokio = Runtime::new().expect("a runtime");
    attempt(|| smol::block_on(connect(&tokio)))
}
