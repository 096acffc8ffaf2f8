//! `errors` on async-std.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_std::future::timeout;
use async_std::io::BufReader;
use async_std::io::prelude::{BufReadExt, ReadExt};
use async_std::net::TcpStream;
use async_std::task;
use futures_lite::FutureExt;

use super::{Answer, Input, MAX_GREETING, Outcome, judge};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    task::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: ask each in its own task, with a timeout
    let limit = Duration::from_millis(input.timeout_ms);
    let mut tasks = Vec::new();
    for service in input.services {
        let question = timeout(limit, greeting(service));
        tasks.push(task::spawn(AssertUnwindSafe(question).catch_unwind()));
    }

    // step: collect every outcome, panics included
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(match task.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_elapsed)) => Outcome::TimedOut,
            // The task itself has caught the panic. Otherwise, the panic would unwind into this
            // function.
            Err(_panic) => Outcome::Panicked,
        });
    }
    Answer { outcomes }
}

// step: connect and read a line
async fn greeting(service: String) -> Outcome {
    let _span = span(service.as_str());
    let address: SocketAddr = service.parse().expect("the address is valid");
    let Ok(stream) = TcpStream::connect(address).await else {
        return Outcome::NoConnection;
    };
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(MAX_GREETING));
    match reader.read_until(b'\n', &mut line).await {
        Ok(_) => judge(&line),
        Err(_) => Outcome::ClosedEarly,
    }
}
