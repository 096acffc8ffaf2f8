//! A function enters a separate Tokio runtime, creates a future that connects a Tokio TCP stream,
//! leaves the runtime, and then awaits the future. On which runtimes does that work?

use std::net::TcpListener;
use std::sync::LazyLock;

use tokio::runtime::Runtime;

use super::{Seen, attempt};

/// A Tokio runtime next to the runtime under test.
static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the runtime starts"));

/// Enters the Tokio runtime, and creates a future that connects a stream.
fn connect() -> impl Future<Output = ()> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    let _entered = TOKIO.enter();
    async move {
        tokio::net::TcpStream::connect(address).await.expect("the listener is bound");
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
