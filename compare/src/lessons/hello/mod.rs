//! The contract of `hello`: waiting without blocking, laziness, one after another and at once.

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

/// What was said, in the order it was said.
#[derive(Serialize, Deserialize)]
pub struct Answer {
    pub greeting: Vec<String>,
    pub value: BTreeMap<String, String>,
    pub lazy: Vec<String>,
    pub one_after_another: Vec<String>,
    pub joined: Vec<String>,
    pub spawned: Vec<String>,
    pub beside_blocking: Vec<String>,
}

pub fn input(_: &Stage, _: &Scene) -> Input {
    Input { nap_ms: 40 }
}

/// `a` naps three times as long as `b`: only one after another does it end first.
pub fn expected(_: &Input) -> Answer {
    let said = |words: &[&str]| words.iter().map(|word| String::from(*word)).collect();
    Answer {
        greeting: said(&["Hello", "World"]),
        value: BTreeMap::from([("name".into(), "Ferris".into())]),
        lazy: said(&["made", "awaited", "ran"]),
        one_after_another: said(&["a", "b"]),
        joined: said(&["b", "a"]),
        spawned: said(&["b", "a"]),
        beside_blocking: said(&["b", "blocking call"]),
    }
}

/// Keeps what is said, in order, from wherever it is said.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn say(&self, word: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(word.into());
    }

    /// Everything said since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
