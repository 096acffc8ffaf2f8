//! The same again, with a Tokio started beside the runtime and its handle entered.

use std::net::TcpListener;

use tokio::runtime::Runtime;

use super::{A_MOMENT, Seen, attempt};

/// What is made while the handle is entered belongs to that Tokio, whoever polls it.
fn sleep_and_connect(tokio: &Runtime) -> impl Future<Output = ()> + use<> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let connect = tokio.spawn(tokio::net::TcpStream::connect(address));
    let _entered = tokio.enter();
    let sleep = tokio::time::sleep(A_MOMENT);
    async move {
        sleep.await;
        connect.await.expect("it does not panic").expect("somebody listens");
        drop(listener);
    }
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
