//! Reports an invalid command line.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::io::{self, Write};
use std::process::exit;

use clap::Error;

use crate::printable::printable;

/// Prints the help, the version or the error, and exits with the matching status. clap itself would
/// print an invalid argument unchanged, even if it contains control characters.
pub fn report(error: &Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    for line in error.render().to_string().lines() {
        let _ = writeln!(io::stderr(), "{}", printable(line));
    }
    exit(error.exit_code());
}
