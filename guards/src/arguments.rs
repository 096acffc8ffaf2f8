//! The arguments of the program.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

use crate::duration::duration;
use crate::tool::output::Format;
use crate::tool::values::{Given, Kind};
use crate::usage;

/// Runs one SQL statement on a SQLite database, in a transaction, and prints its rows.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:
  guards                                 a demonstration on a temporary database
  guards users.db                        the tables of a database
  guards users.db 'SELECT * FROM users WHERE name = ?' --param Ada
  guards users.db 'DELETE FROM users WHERE id = :id' --param id=7 --write
  guards users.db - --csv < report.sql > report.csv

Options that supply values may be repeated, in the order of the parameters. Write NAME=VALUE for the
parameter :NAME, @NAME or $NAME, and VALUE for the next parameter without a name.

Exit status: 0 done, 1 failed, 2 usage error, 129 SIGHUP, 130 SIGINT (Ctrl-C), 131 SIGQUIT, 143 SIGTERM.
If the status is not 0, nothing was changed. There are two exceptions: after a second signal, the
program does not wait for a commit that is under way; and closing can fail after the commit."
)]
pub struct Arguments {
    /// The database file, which must exist. Without it, the program runs a demonstration on a
    /// temporary database.
    pub database: Option<PathBuf>,
    /// The statement to run, or `-` to read it from stdin. The default statement lists the tables.
    #[arg(default_value = "SELECT type, name FROM sqlite_schema", hide_default_value = true)]
    #[arg(allow_hyphen_values = true)]
    pub sql: String,
    /// A value for the statement. It is bound as a number if it would be a number in SQL, such as
    /// -7, 2.50 or 1e5, and otherwise as text. A number with leading zeros is bound as text.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, requires = "database")]
    param: Vec<String>,
    /// A value for the statement that is always bound as text.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, requires = "database")]
    text: Vec<String>,
    /// A value for the statement that is bound as a blob, in hexadecimal digits, such as 00ff.
    #[arg(long, value_name = "HEX", requires = "database")]
    blob: Vec<String>,
    /// NULL as a value for the statement: --null for the next parameter, --null=NAME for a named
    /// parameter.
    #[arg(long, value_name = "NAME", requires = "database")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "")]
    null: Vec<String>,
    /// Allow the statement to change the database.
    #[arg(long, requires = "database")]
    pub write: bool,
    /// The total time to wait if another program has locked the database, such as 500ms or 10s.
    #[arg(long, default_value = "2s", value_name = "TIME", requires = "database", value_parser = wait)]
    pub wait: Duration,
    /// Print one JSON object per row instead of a table. Blobs and text that is not valid UTF-8 are
    /// printed as {"blob": "00ff"} and {"invalid_utf8": "ff41"}.
    #[arg(long, requires = "database", conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values instead of a table, with the column names in the first line.
    /// NULL is an empty field; an empty string is "".
    #[arg(long, requires = "database")]
    csv: bool,
    /// Save the timeline of the demonstration as a picture.
    #[arg(long, value_name = "FILE", hide = true, conflicts_with = "database")]
    pub timeline_svg: Option<PathBuf>,
    /// The values for the statement, in the order in which the user wrote them.
    #[arg(skip)]
    pub given: Vec<Given>,
}

impl Arguments {
    /// Reads the command line. If it is invalid, prints the reason, and exits with status 2.
    pub fn from_command_line() -> Self {
        let parsed = Self::command().try_get_matches().and_then(|matches| {
            let arguments = Self::from_arg_matches(&matches)?;
            let sql = arguments.sql.trim_end();
            if sql.starts_with("--") && !sql.contains('\n') {
                let message = format!("there is no option {sql}, and as SQL, it is a comment");
                return Err(Self::command().error(ErrorKind::UnknownArgument, message));
            }
            Ok((matches, arguments))
        });
        let (matches, mut arguments) = parsed.unwrap_or_else(|error| usage::report(&error));
        arguments.given = given(&matches);
        arguments
    }

    pub fn format(&self) -> Format {
        match (self.json, self.csv) {
            (true, _) => Format::Json,
            (_, true) => Format::Csv,
            _ => Format::Table,
        }
    }
}

/// Returns the values for the statement. clap collects the values of each option separately, so we
/// sort all values by their places on the command line.
fn given(matches: &ArgMatches) -> Vec<Given> {
    let kinds =
        [("param", Kind::Param), ("text", Kind::Text), ("blob", Kind::Blob), ("null", Kind::Null)];
    let mut given = Vec::new();
    for (option, kind) in kinds {
        let places = matches.indices_of(option).into_iter().flatten();
        let values = matches.get_many::<String>(option).into_iter().flatten();
        given.extend(
            places.zip(values).map(|(place, text)| (place, Given { kind, text: text.clone() })),
        );
    }
    given.sort_by_key(|(place, _)| *place);
    given.into_iter().map(|(_, given)| given).collect()
}

/// Parses the time to wait, which may be zero.
fn wait(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Ok(Duration::ZERO),
        _ => duration(text),
    }
}
