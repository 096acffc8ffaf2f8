//! The program. All of its code is in the library, so that tests can link the code without
//! compiling it again.
//!
//! Run with: `cargo run -p compare`

use std::process::ExitCode;

fn main() -> ExitCode {
    compare::main()
}
