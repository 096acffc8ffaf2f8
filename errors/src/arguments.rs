//! Defines the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use errors::{Probe, RetryPolicy, Until};

use crate::duration::duration;

/// Reads the greetings of TCP services (SSH, SMTP, FTP and the like), all concurrently.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  errors                                       run a demonstration with local services
  errors localhost:22 mail.example:25          show which are up, and why the others failed
  errors --wait 1m --fail-fast db:22 mail:25   wait for up to a minute until both have answered
  errors --connect --wait 1m redis:6379 -- ./server
                                               run a command once a service accepts connections
  errors --any a.example:22 b.example:22       print the first answer
  errors --default down localhost:22           print `down` if the service fails

Exit status: 0 each service answered or had a default (with --any: one answered), 1 a service failed
or another error occurred, 2 usage error, 129 SIGHUP, 130 SIGINT (Ctrl-C), 131 SIGQUIT, 143 SIGTERM.
Once a command runs, its status is the program's status."
)]
pub struct Arguments {
    /// The services to ask. Without services, the program runs a demonstration with services that
    /// it starts itself.
    #[arg(value_name = "HOST:PORT")]
    pub services: Vec<String>,
    /// The time limit for one attempt, including connecting and reading, such as 500ms or 2s.
    #[arg(long, default_value = "3s", requires = "services", value_name = "TIME", value_parser = duration)]
    timeout: Duration,
    /// The maximum number of retries after transient failures.
    #[arg(long, default_value_t = 0, requires = "services", value_name = "N")]
    retries: usize,
    /// The time for which to keep retrying transient failures, such as 30s or 5m. Use this for
    /// services that may still be starting. When the time is up, the program makes a last attempt.
    #[arg(long, requires = "services", conflicts_with = "retries", value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// The text to print instead of a failed service's greeting.
    #[arg(long, requires = "services", conflicts_with_all = ["fail_fast", "any"], value_name = "TEXT")]
    pub default: Option<String>,
    /// Stop at the first failure, and cancel the other requests.
    #[arg(long, requires = "services", conflicts_with = "any")]
    fail_fast: bool,
    /// Stop at the first answer, and cancel the other requests.
    #[arg(long, requires = "services")]
    pub any: bool,
    /// Do not expect a greeting: a service is up if it accepts a connection.
    #[arg(long, requires = "services")]
    connect: bool,
    /// Print one line for each service: a JSON object with the fields service, greeting, error and
    /// kind.
    #[arg(long, requires = "services")]
    pub json: bool,
    /// Log each attempt to stderr.
    #[arg(short, long, requires = "services")]
    pub verbose: bool,
    /// A command to run once the services are up. The command's output appears on stdout, so the
    /// program prints the greetings to stderr.
    #[arg(last = true, requires = "services", value_name = "COMMAND")]
    pub command: Vec<OsString>,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "services")]
    pub timeline_svg: Option<PathBuf>,
}

impl Arguments {
    /// Returns the rules for attempts and retries. The time that `--wait` allows starts to run when
    /// this function is called.
    pub fn retry_policy(&self) -> RetryPolicy {
        match self.wait {
            Some(wait) => RetryPolicy::waiting(wait, self.timeout),
            None => RetryPolicy { retries: self.retries, ..RetryPolicy::once(self.timeout) },
        }
    }

    /// Returns what a service has to do to count as up.
    pub fn probe(&self) -> Probe {
        if self.connect { Probe::Connect } else { Probe::Greeting }
    }

    /// Returns the rule for when to stop asking.
    pub fn until(&self) -> Until {
        if self.fail_fast {
            Until::FirstFailure
        } else if self.any {
            Until::FirstAnswer
        } else {
            Until::AllEnded
        }
    }
}
