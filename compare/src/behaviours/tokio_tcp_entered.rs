//! The future of a TCP connection of Tokio is made while a Tokio runtime is entered, and awaited after
//! that.

use std::net::TcpListener;
use std::sync::LazyLock;

use tokio::runtime::Runtime;

use super::{Seen, attempt};

/// A Tokio next to the runtime that asks.
static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// The future of a connection, made inside this Tokio.
fn connect() -> impl Future<Output = ()> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let _entered = TOKIO.enter();
    async move {
        tokio::net::TcpStream::connect(address).await.expect("somebody listens");
        drop(listener);
    }
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
