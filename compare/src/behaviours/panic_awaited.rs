//! A task panics, and another future awaits it. Where does the panic go?

use super::{Seen, caught};

#[cfg(any(feature = "async-std", feature = "smol"))]
async fn seen(task: impl Future<Output = ()>) -> Seen {
    match caught(task).await {
        Ok(()) => "the awaiter does not notice",
        Err(_message) => "the panic unwinds into the awaiter",
    }
    .into()
}

#[cfg(feature = "tokio")]
pub async fn on_tokio() -> Seen {
    let task = tokio::spawn(async { panic!("a bug") });
    let result: Result<Result<(), _>, _> = caught(task).await;
    match result {
        Ok(Err(error)) if error.is_panic() => {
            "awaiting the handle returns an error: JoinError".into()
        }
        other => format!("{other:?}").into(),
    }
}

#[cfg(feature = "async-std")]
pub async fn on_async_std() -> Seen {
    seen(async_std::task::spawn(async { panic!("a bug") })).await
}

#[cfg(feature = "smol")]
pub async fn on_smol() -> Seen {
    seen(smol::spawn(async { panic!("a bug") })).await
}
