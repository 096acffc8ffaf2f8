//! Recognises a closed pipe: nobody reads our output any more, as in `... | head -1`.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::io;

/// Whether the error comes from writing to a closed pipe. That is not a failure: the reader wants
/// no more output, so a program should end quietly.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
