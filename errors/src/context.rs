//! Values that belong to a task: the counterpart of Python's `contextvars`.
//!
//! `REQUEST.scope(7, future)` gives the value 7 to everything that `future` calls and awaits. In
//! Python, `asyncio.create_task` copies the caller's context into the new task. `tokio::spawn` does
//! not: a new task starts without any value, so the code that starts the task has to hand the value
//! over.

use tokio::task::JoinHandle;

tokio::task_local! {
    /// The number of the request that the current task is working on.
    pub static REQUEST: u32;
}

/// Returns a log line that names the current request, if there is one.
///
/// ```
/// use errors::context::{REQUEST, log_line};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let line = REQUEST.scope(7, async { log_line("connecting") }).await;
/// assert_eq!(line, "request 7: connecting");
/// assert_eq!(log_line("connecting"), "no request: connecting");
/// # }
/// ```
pub fn log_line(text: &str) -> String {
    // Outside a scope, there is no value: `with` would panic, while `try_with` returns an error.
    match REQUEST.try_with(|number| *number) {
        Ok(number) => format!("request {number}: {text}"),
        Err(_) => format!("no request: {text}"),
    }
}

/// Starts a task that works on the same request as the caller.
///
/// ```
/// use errors::context::{REQUEST, log_line, spawn_with_request};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = REQUEST.sync_scope(7, || spawn_with_request(async { log_line("connecting") }));
/// assert_eq!(task.await.unwrap(), "request 7: connecting");
/// # }
/// ```
pub fn spawn_with_request<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match REQUEST.try_with(|number| *number) {
        Ok(number) => tokio::spawn(REQUEST.scope(number, future)),
        Err(_) => tokio::spawn(future),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn work() -> String {
        log_line("at work")
    }

    #[tokio::test]
    async fn awaited_futures_see_the_value_and_spawned_tasks_do_not() {
        let (awaited, joined, spawned) = REQUEST
            .scope(7, async {
                let awaited = work().await;
                let (joined, ()) = tokio::join!(work(), async {});
                let spawned = tokio::spawn(work()).await.unwrap();
                (awaited, joined, spawned)
            })
            .await;
        assert_eq!(awaited, "request 7: at work");
        assert_eq!(joined, "request 7: at work");
        assert_eq!(spawned, "no request: at work");
    }

    #[tokio::test]
    async fn a_value_can_be_handed_to_a_new_task() {
        let task = REQUEST.sync_scope(7, || spawn_with_request(work()));
        assert_eq!(task.await.unwrap(), "request 7: at work");
        assert_eq!(spawn_with_request(work()).await.unwrap(), "no request: at work");
    }
}
