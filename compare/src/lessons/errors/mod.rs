//! The contract of `errors`: every service is asked for its greeting, and each failure is
//! classified.

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
    /// The addresses of the services. One of them is invalid, and the task that parses it panics.
    pub services: Vec<String>,
    pub timeout_ms: u64,
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
    services.push("an invalid address".into());
    Input { services, timeout_ms: 250 }
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

/// The maximum length of a greeting, in bytes.
pub const MAX_GREETING: u64 = 1024;

/// Classifies the bytes that a service has sent, up to the first line end or the end of the
/// connection.
pub fn judge(line: &[u8]) -> Outcome {
    match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).map(str::from_utf8) {
        Some(Ok(text)) => Outcome::Greeting(text.into()),
        Some(Err(_)) => Outcome::Garbage,
        None => Outcome::ClosedEarly,
    }
}
