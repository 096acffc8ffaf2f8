//! A task is cancelled while it waits in the middle. Which of its lines still run?

use super::{A_MOMENT, Lines, Seen};

/// Says one line before it waits, one after, and one when it is dropped.
struct Says(Lines);

impl Drop for Says {
    fn drop(&mut self) {
        self.0.say("Drop");
    }
}

async fn work(lines: Lines) {
    let _says = Says(lines.clone());
    lines.say("before");
    std::future::pending::<()>().await;
    lines.say("after");
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let lines = Lines::default();
    let task = tokio::spawn(work(lines.clone()));
    tokio::time::sleep(A_MOMENT).await;
    task.abort();
    // It only asks. The task is gone when its handle says so.
    let is_cancelled = task.await.is_err_and(|error| error.is_cancelled());
    format!("{lines}; its handle says so: {is_cancelled}").into()
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let lines = Lines::default();
        let task = async_std::task::spawn(work(lines.clone()));
        async_std::task::sleep(A_MOMENT).await;
        // Takes the handle, and waits until the task is gone.
        let is_cancelled = task.cancel().await.is_none();
        format!("{lines}; its handle says so: {is_cancelled}").into()
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let lines = Lines::default();
        let task = smol::spawn(work(lines.clone()));
        smol::Timer::after(A_MOMENT).await;
        let is_cancelled = task.cancel().await.is_none();
        format!("{lines}; its handle says so: {is_cancelled}").into()
    })
}
