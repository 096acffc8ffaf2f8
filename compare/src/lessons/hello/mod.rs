//! The contract of `hello`: waiting without blocking, lazy futures, and work that runs sequentially
//! or concurrently.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::serve::{Scene, Stage};

#[cfg(all(feature = "async-std", not(test)))]
pub mod on_async_std;
#[cfg(all(feature = "smol", not(test)))]
pub mod on_smol;
#[cfg(all(feature = "tokio", not(test)))]
pub mod on_tokio;

#[derive(Serialize, Deserialize)]
pub struct Input {
    pub nap_ms: u64,
}

/// The words that each part of the lesson logs, in order.
#[derive(Serialize, Deserialize)]
pub struct Answer {
    pub greeting: Vec<String>,
    pub value: BTreeMap<String, String>,
    pub lazy: Vec<String>,
    pub one_after_another: Vec<String>,
    pub joined: Vec<String>,
    pub spawned: Vec<String>,
    pub next_to_blocking: Vec<String>,
}

pub fn input(_: &Stage, _: &Scene) -> Input {
    Input { nap_ms: 40 }
}

/// Returns the correct answer. `a` naps three times as long as `b`, so `a` ends first only if `b`
/// does not start until `a` has ended.
pub fn expected(_: &Input) -> Answer {
    let said = |words: &[&str]| words.iter().map(|word| String::from(*word)).collect();
    Answer {
        greeting: said(&["Hello", "World"]),
        value: BTreeMap::from([("name".into(), "Ferris".into())]),
        lazy: said(&["made", "awaited", "ran"]),
        one_after_another: said(&["a", "b"]),
        joined: said(&["b", "a"]),
        spawned: said(&["b", "a"]),
        next_to_blocking: said(&["b", "blocking call"]),
    }
}

/// A log that several tasks and threads can share. The log keeps the words in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn say(&self, word: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(word.into());
    }

    /// Returns all words since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
