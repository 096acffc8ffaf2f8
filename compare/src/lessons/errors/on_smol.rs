//! `errors` on smol.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use smol::Timer;
use smol::future::FutureExt;
use smol::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use smol::net::TcpStream;

use super::{Answer, Input, MAX_GREETING, Outcome, judge};
use crate::timeline::span;

// step: start the runtime
pub fn start(input: Input) -> Answer {
    smol::block_on(lesson(input))
}

async fn lesson(input: Input) -> Answer {
    // step: ask each in its own task, with a timeout
    let limit = Duration::from_millis(input.timeout_ms);
    let mut tasks = Vec::new();
    for service in input.services {
        // smol has no timeout function, so `question` races against a timer.
        let question = greeting(service).or(async move {
            Timer::after(limit).await;
            Outcome::TimedOut
        });
        tasks.push(smol::spawn(AssertUnwindSafe(question).catch_unwind()));
    }

    // step: collect every outcome, panics included
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(match task.await {
            Ok(outcome) => outcome,
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
