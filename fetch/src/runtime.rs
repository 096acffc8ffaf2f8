//! Runs a program on Tokio, as `#[tokio::main]` does, but without a panic if the system allows too
//! few threads or open files, and without waiting for blocked threads at the end.
//!
//! Every lesson that needs this has its own copy of this file, and all the copies are identical.

use std::fmt::Display;
use std::io::{self, Write};
use std::panic;
use std::process::exit;

use tokio::runtime::{Builder, Runtime};

/// Runs the program's work on a runtime with a worker thread for each core, and exits with the
/// status that the work returns. If the runtime cannot start, prints the error in one line, and
/// exits with status 1.
///
/// This does not wait for threads that are still blocked, for example in a read from stdin or in a
/// write to a pipe that nobody reads. `#[tokio::main]` would wait for them.
pub fn run(program: &'static str, work: impl Future<Output = i32>) -> ! {
    let runtime = start(program);
    // A panic from here on is a bug in this program or in a library. We report it in one line, too.
    panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or("a panic");
        let place = panic.location().map(|place| format!(" ({place})")).unwrap_or_default();
        let _ = writeln!(io::stderr(), "{program}: internal error: {message}{place}");
    }));
    exit(runtime.block_on(work));
}

fn start(program: &'static str) -> Runtime {
    let fail = move |error: &dyn Display| {
        let _ = writeln!(io::stderr(), "{program}: cannot start: {error}; see `ulimit -a`");
        exit(1);
    };
    // If the first worker thread cannot start, Tokio panics. If a later one cannot start, its panic
    // would leave `build` waiting forever.
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        fail(&panic.payload_as_str().unwrap_or("the runtime panicked"));
    }));
    let runtime = Builder::new_multi_thread().enable_all().build();
    if let Ok(runtime) = &runtime {
        // Tokio also panics if it cannot start the first thread for blocking calls. This thread then
        // waits for more calls.
        let _ = runtime.block_on(runtime.spawn_blocking(|| ()));
    }
    panic::set_hook(usual);
    runtime.unwrap_or_else(|error| fail(&error))
}
