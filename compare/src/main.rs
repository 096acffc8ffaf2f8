//! The program. Everything is in the library, so that the tests need not compile it again.
//!
//! Run with: `cargo run -p compare`

use std::process::ExitCode;

fn main() -> ExitCode {
    compare::main()
}
