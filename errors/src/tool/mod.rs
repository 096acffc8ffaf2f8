//! The tool around the lesson: what is up, in lines for people or for programs.

use std::io::{self, Write};

use anyhow::Context;
use errors::{Patience, ServiceError, Until, greetings};
use serde::Serialize;
use tokio::task::block_in_place;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::time::uptime;

use crate::{Arguments, complain, print_line};

/// Asks the services and returns whether all went well.
pub async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    if arguments.verbose {
        let log = tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).with_timer(uptime());
        log.with_target(false).with_ansi(false).with_writer(|| Stderr).init();
    }
    let until = match (arguments.fail_fast, arguments.any) {
        (true, _) => Until::FirstFailure,
        (_, true) => Until::FirstAnswer,
        _ => Until::AllEnded,
    };
    let results = greetings(&arguments.services, patience(&arguments), until).await;

    let has_answer = results.iter().any(Result::is_ok);
    let (mut all_well, mut is_read) = (true, true);
    for (service, result) in arguments.services.iter().zip(results) {
        let error = result.as_ref().err();
        let default = arguments
            .default
            .as_ref()
            .filter(|_| error.is_some_and(ServiceError::is_of_the_service));
        let told = result.as_ref().ok().or(default).cloned();
        // Where any would do and one has answered, the others are neither failures nor news.
        let has_lost = error.is_some() && arguments.any && has_answer;
        all_well &= told.is_some() || has_lost;
        let line = match &told {
            _ if arguments.json => Some(serde_json::to_string(&Report::of(service, &told, error))?),
            Some(told) => Some(format!("{service}  {}", told.replace(may_do_harm, "\u{fffd}"))),
            None => None,
        };
        if let Some(line) = line.filter(|_| is_read) {
            match print_line(&line) {
                // Nobody reads on (`errors ... | head -1`); what has failed is told all the same.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => is_read = false,
                printed => printed?,
            }
        }
        match result.with_context(|| service.clone()) {
            Err(error) if told.is_some() => complain(&error.context("the default stands in")),
            Err(error) if !has_lost => complain(&error),
            _ => {}
        }
    }
    Ok(all_well)
}

/// Characters that would let a service write all over the terminal: that control it, begin a line, or
/// change the direction of one.
fn may_do_harm(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

fn patience(arguments: &Arguments) -> Patience {
    let timeout = arguments.timeout;
    match arguments.wait {
        Some(wait) => Patience::waiting(wait, timeout),
        None => Patience { retries: arguments.retries, ..Patience::once(timeout) },
    }
}

/// What `--json` says of one service.
#[derive(Serialize)]
struct Report<'a> {
    service: &'a str,
    /// What it has said, or the default.
    greeting: Option<&'a str>,
    /// The error and its causes.
    error: Option<String>,
    kind: Option<&'static str>,
}

impl<'a> Report<'a> {
    fn of(service: &'a str, told: &'a Option<String>, error: Option<&'a ServiceError>) -> Self {
        let kind = error.map(ServiceError::kind);
        let chain = |mut error: &dyn std::error::Error| {
            let mut text = error.to_string();
            while let Some(source) = error.source() {
                text = format!("{text}: {source}");
                error = source;
            }
            text
        };
        Self { service, greeting: told.as_deref(), error: error.map(|error| chain(error)), kind }
    }
}

/// Where the log goes. A full pipe must not keep the runtime from its other work.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        block_in_place(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
