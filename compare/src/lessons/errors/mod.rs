//! The contract of `errors`: the greeting of every service, or the kind of its failure.

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
    /// Addresses, one of which is none: the task that parses it panics.
    pub services: Vec<String>,
    pub time_out_ms: u64,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    pub outcomes: Vec<Outcome>,
}

#[derive(Serialize, Deserialize)]
pub enum Outcome {
    Greeting(String),
    NoConnection,
    TimedOut,
    ClosedEarly,
    Garbage,
    Panicked,
    Cancelled,
}

pub fn input(stage: &Stage, _: &Scene) -> Input {
    let addresses = [stage.healthy, stage.closed, stage.silent, stage.garbage, stage.closing];
    let mut services: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    services.push("no address".into());
    Input { services, time_out_ms: 250 }
}

pub fn expected(_: &Input) -> Answer {
    let outcomes = vec![
        Outcome::Greeting("220 ready".into()),
        Outcome::NoConnection,
        Outcome::TimedOut,
        Outcome::Garbage,
        Outcome::ClosedEarly,
        Outcome::Panicked,
    ];
    Answer { outcomes }
}

/// The longest greeting to read, in bytes.
pub const MAX_GREETING: u64 = 1024;

/// What a service has said, up to its first line end or its end.
pub fn judge(line: &[u8]) -> Outcome {
    match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).map(str::from_utf8) {
        Some(Ok(text)) => Outcome::Greeting(text.into()),
        Some(Err(_)) => Outcome::Garbage,
        None => Outcome::ClosedEarly,
    }
}
