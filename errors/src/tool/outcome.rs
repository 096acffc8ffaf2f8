//! Decides what the tool prints about one service: pure functions from a result to lines of text.

use errors::{Phase, Probe, ServiceError};
use serde::Serialize;

use crate::printable::{printable, printable_json};

/// The outcome for one service, which depends on the service's result and on the options.
pub enum Outcome {
    /// The service answered.
    Answered(String),
    /// The service failed, and its greeting is replaced by the text of `--default`.
    Replaced { default: String, error: ServiceError },
    /// The service failed or its request was cancelled, but with `--any`, another service's answer
    /// was enough.
    NotNeeded(ServiceError),
    /// The service failed or its request was cancelled, and neither `--default` nor `--any` makes
    /// up for it.
    Failed(ServiceError),
}

impl Outcome {
    /// Determines the outcome for one service. `is_any_enough` is true if `--any` was given and
    /// some service answered.
    pub fn of(
        result: Result<String, ServiceError>,
        default: Option<&str>,
        is_any_enough: bool,
    ) -> Self {
        let error = match result {
            Ok(greeting) => return Self::Answered(greeting),
            Err(error) => error,
        };
        match default {
            Some(default) if error.is_service_failure() => {
                Self::Replaced { default: default.to_owned(), error }
            }
            _ if is_any_enough => Self::NotNeeded(error),
            _ => Self::Failed(error),
        }
    }

    /// Returns whether the program's exit status has to report a failure.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Returns the line for stdout, or `None` if there is neither a greeting nor a default. The
    /// lines of a greeting are joined.
    pub fn line(&self, service: &str, probe: Probe) -> Option<String> {
        let text = match (self, probe) {
            (Self::Answered(_), Probe::Connect) => "accepts connections".to_owned(),
            _ => self.greeting()?.lines().map(printable).collect::<Vec<_>>().join(" / "),
        };
        Some(format!("{}  {text}", printable(service)))
    }

    /// Returns the line for stdout with `--json`.
    pub fn json(&self, service: &str) -> serde_json::Result<String> {
        let error = self.error();
        let report = Report {
            service,
            greeting: self.greeting(),
            error: error.map(ServiceError::with_causes),
            kind: error.map(ServiceError::kind),
        };
        Ok(printable_json(&serde_json::to_string(&report)?))
    }

    /// Returns the line for stderr, if there is anything to report.
    pub fn problem(&self, service: &str) -> Option<String> {
        match self {
            // An invalid address is the user's mistake, so we report it even if another service's
            // answer was enough.
            Self::NotNeeded(error @ ServiceError::BadAddress) => {
                Some(format!("{service}: {}", error.with_causes()))
            }
            Self::Answered(_) | Self::NotNeeded(_) => None,
            Self::Replaced { error, .. } => {
                Some(format!("{service}: using the default: {}", error.with_causes()))
            }
            Self::Failed(error @ ServiceError::TimedOut { phase: Phase::Reading, .. }) => {
                Some(format!(
                    "{service}: {}; it has accepted the connection: use --connect if this service \
                     does not greet",
                    error.with_causes()
                ))
            }
            Self::Failed(error) => Some(format!("{service}: {}", error.with_causes())),
        }
    }

    fn greeting(&self) -> Option<&str> {
        match self {
            Self::Answered(greeting) => Some(greeting),
            Self::Replaced { default, .. } => Some(default),
            Self::NotNeeded(_) | Self::Failed(_) => None,
        }
    }

    fn error(&self) -> Option<&ServiceError> {
        match self {
            Self::Answered(_) => None,
            Self::Replaced { error, .. } | Self::NotNeeded(error) | Self::Failed(error) => {
                Some(error)
            }
        }
    }
}

/// One line of the output of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    service: &'a str,
    /// The greeting, or the default.
    greeting: Option<&'a str>,
    /// The error and its causes.
    error: Option<String>,
    kind: Option<&'static str>,
}
