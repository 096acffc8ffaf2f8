//! The program. Everything is in the library, so that tests can link it without compiling it again.
//!
//! Run with: `cargo run -p compare`

use std::process::ExitCode;

fn main() -> ExitCode {
    compare::main()
}
