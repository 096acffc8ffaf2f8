//! From where a question is asked: the answer may depend on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Seen;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// The root future: the one that the runtime was started with. It runs on the thread of `main`,
    /// which is no worker thread on any of the three.
    Root,
    /// A spawned task, which runs on a worker thread.
    Task,
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Task => "task",
        })
    }
}

impl From {
    /// Asks on Tokio, with the runtime that `#[tokio::main]` would start.
    #[cfg(feature = "tokio")]
    pub fn tokio<F>(self, ask: fn() -> F) -> Seen
    where
        F: Future<Output = Seen> + Send + 'static,
    {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
        match self {
            Self::Root => runtime.block_on(ask()),
            Self::Task => runtime
                .block_on(async { tokio::spawn(ask()).await })
                .expect("an experiment does not panic"),
        }
    }

    /// Asks on async-std.
    #[cfg(feature = "async-std")]
    pub fn async_std<F>(self, ask: fn() -> F) -> Seen
    where
        F: Future<Output = Seen> + Send + 'static,
    {
        match self {
            Self::Root => async_std::task::block_on(ask()),
            Self::Task => async_std::task::block_on(async { async_std::task::spawn(ask()).await }),
        }
    }

    /// Asks on smol.
    #[cfg(feature = "smol")]
    pub fn smol<F>(self, ask: fn() -> F) -> Seen
    where
        F: Future<Output = Seen> + Send + 'static,
    {
        match self {
            Self::Root => smol::block_on(ask()),
            Self::Task => smol::block_on(async { smol::spawn(ask()).await }),
        }
    }
}
