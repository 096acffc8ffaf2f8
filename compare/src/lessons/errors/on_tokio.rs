//! `errors` on Tokio.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::task;
use tokio::time::timeout;

use super::{Answer, Input, MAX_GREETING, Outcome, judge};
use crate::timeline::span;

// step: start the runtime
#[tokio::main]
pub async fn start(input: Input) -> Answer {
    lesson(input).await
}

async fn lesson(input: Input) -> Answer {
    // step: ask each in its own task, with a timeout
    let limit = Duration::from_millis(input.timeout_ms);
    let mut tasks = Vec::new();
    for service in input.services {
        tasks.push(task::spawn(timeout(limit, greeting(service))));
    }

    // step: collect every outcome, panics included
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(match task.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_elapsed)) => Outcome::TimedOut,
            // The runtime catches a panic, and returns it to the future that awaits the task.
            Err(error) if error.is_panic() => Outcome::Panicked,
            // The same error type reports that a task was aborted. We don't abort any tasks here.
            Err(_cancelled) => Outcome::Cancelled,
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
