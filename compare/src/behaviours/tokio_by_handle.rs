//! A separate Tokio runtime runs next to the runtime under test. A task on this Tokio runtime
//! connects a Tokio TCP stream, and a Tokio sleep is created inside the same runtime's context.
//! Code on the runtime under test then awaits both. On which runtimes does that work?

use std::net::TcpListener;
use std::sync::LazyLock;

use tokio::runtime::Runtime;

use super::{A_MOMENT, Seen, attempt};

static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the runtime starts"));

async fn sleep_and_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    // An async function looks for its Tokio runtime when it is polled, so Tokio has to poll it.
    let stream = TOKIO.spawn(tokio::net::TcpStream::connect(address));
    // A sleep looks for its runtime when it is created, and can be awaited anywhere.
    let sleep = {
        let _entered = TOKIO.enter();
        tokio::time::sleep(A_MOMENT)
    };
    sleep.await;
    stream.await.expect("the task does not panic").expect("the listener is bound");
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
