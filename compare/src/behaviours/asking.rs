//! Runs an experiment in the root future or in a spawned task, because the answer can depend on
//! where the code runs.

use std::fmt;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::Seen;

/// An experiment that has not started yet. It is boxed, so that all experiments have the same type.
/// Otherwise, the compiler would have to generate functions such as `block_on` and `spawn` again
/// for each experiment.
pub type Ask = Pin<Box<dyn Future<Output = Seen> + Send>>;

/// The place in a program where an experiment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// The root future, which was passed to `block_on`. It runs on the main thread, which is not a
    /// worker thread on any of the three runtimes.
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
    /// Runs the experiment on Tokio, on the same kind of runtime that `#[tokio::main]` starts.
    #[cfg(feature = "tokio")]
    pub fn tokio(self, ask: Ask) -> Seen {
        let runtime = tokio::runtime::Runtime::new().expect("a Tokio runtime starts");
        match self {
            Self::Root => runtime.block_on(ask),
            Self::Task => runtime
                .block_on(async { tokio::spawn(ask).await })
                .expect("an experiment does not panic"),
        }
    }

    /// Runs the experiment on async-std.
    #[cfg(feature = "async-std")]
    pub fn async_std(self, ask: Ask) -> Seen {
        match self {
            Self::Root => async_std::task::block_on(ask),
            Self::Task => async_std::task::block_on(async { async_std::task::spawn(ask).await }),
        }
    }

    /// Runs the experiment on smol.
    #[cfg(feature = "smol")]
    pub fn smol(self, ask: Ask) -> Seen {
        match self {
            Self::Root => smol::block_on(ask),
            Self::Task => smol::block_on(async { smol::spawn(ask).await }),
        }
    }
}
