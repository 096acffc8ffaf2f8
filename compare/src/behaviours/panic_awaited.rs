//! A task panics, and somebody awaits it.

use super::{Seen, caught};

const UNWINDS: &str = "it unwinds into whoever awaits the task";

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let task = tokio::spawn(async { panic!("a bug") });
    let result: Result<(), _> = task.await;
    match result {
        Err(error) if error.is_panic() => "it is an error of the handle: JoinError".into(),
        other => format!("{other:?}").into(),
    }
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    let wait = || async_std::task::block_on(async_std::task::spawn(async { panic!("a bug") }));
    if caught(wait) { UNWINDS } else { "nothing is seen of it" }.into()
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    let wait = || smol::block_on(smol::spawn(async { panic!("a bug") }));
    if caught(wait) { UNWINDS } else { "nothing is seen of it" }.into()
}
