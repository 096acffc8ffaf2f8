//! The same again, with a Tokio started beside the runtime: the TCP stream spawned on its handle, the
//! sleep made while the handle is entered.

use std::net::TcpListener;

use tokio::runtime::Runtime;

use super::{A_MOMENT, Seen, attempt};

async fn sleep_and_connect(tokio: &Runtime) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    // An async function looks for its Tokio when it is polled: so Tokio has to poll it.
    let stream = tokio.spawn(tokio::net::TcpStream::connect(address));
    // A sleep looks for it when it is made, and may be awaited anywhere.
    let sleep = {
        let _entered = tokio.enter();
        tokio::time::sleep(A_MOMENT)
    };
    sleep.await;
    stream.await.expect("it does not panic").expect("somebody listens");
}

#[cfg(feature = "tokio")]
pub fn on_tokio() -> Seen {
    let tokio = Runtime::new().expect("a runtime");
    attempt(|| tokio.block_on(sleep_and_connect(&tokio)))
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    let tokio = Runtime::new().expect("a runtime");
    attempt(|| async_std::task::block_on(sleep_and_connect(&tokio)))
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let tokio = Runtime::new().expect("a runtime");
    attempt(|| smol::block_on(sleep_and_connect(&tokio)))
}
