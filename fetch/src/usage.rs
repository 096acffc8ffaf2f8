//! Reports a command line that is not valid.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::io::{self, Write};
use std::process::exit;

use clap::Error;

use crate::printable::printable;

/// Prints the help, the version or what is wrong, and exits with the status for it. clap would
/// print an argument as it is, even if it contains control characters.
pub fn report(error: &Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    for line in error.render().to_string().lines() {
        let _ = writeln!(io::stderr(), "{}", printable(line));
    }
    exit(error.exit_code());
}
