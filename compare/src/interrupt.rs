//! The signals that ask the program to end: Ctrl-C, SIGTERM and SIGHUP.
//!
//! The signal handler only records the signal. The code that waits for a child process checks
//! whether a signal was recorded. If so, it kills the child and returns [`Interrupted`]. While this
//! error is passed up to `main`, the temporary folders are dropped, which removes them.

use std::process::{ExitCode, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signals that we record.
const SIGNALS: &[i32] = &[
    SIGINT,
    SIGTERM,
    #[cfg(unix)]
    signal_hook::consts::SIGHUP,
];

/// The number of the last signal, or zero if there was none.
static NOTED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The error that we return after a signal has asked the program to end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Records signals from now on, instead of letting them end the program. If the program was started
/// with a signal ignored, as `nohup` does with SIGHUP, that signal stays ignored.
///
/// # Errors
/// Fails if the system rejects the handler.
pub fn watch() -> anyhow::Result<()> {
    for signal in SIGNALS.iter().copied().filter(|signal| !is_ignored(*signal)) {
        flag::register_usize(signal, Arc::clone(&NOTED), signal as usize)
            .context("cannot listen for signals")?;
    }
    Ok(())
}

/// Returns whether a signal has asked the program to end.
pub fn is_noted() -> bool {
    NOTED.load(SeqCst) != 0
}

/// Returns whether a child ended because of a signal that was sent to us as well.
///
/// For a short time, a new child is still in our process group, until it executes another program.
/// If a signal to the group kills the child during that time, we receive the signal too, but
/// perhaps a little later. So we wait for our own signal. We don't wait long, because the signal
/// may have been sent to the child alone.
#[cfg(unix)]
pub fn may_have_ended(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    if !status.signal().is_some_and(|signal| SIGNALS.contains(&signal)) {
        return false;
    }
    let start = Instant::now();
    while !is_noted() && start.elapsed() < Duration::from_millis(200) {
        thread::sleep(Duration::from_millis(1));
    }
    is_noted()
}

#[cfg(not(unix))]
pub fn may_have_ended(_: ExitStatus) -> bool {
    false
}

/// Returns the exit status for the recorded signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for
/// SIGHUP.
pub fn exit_code() -> ExitCode {
    ExitCode::from(128 + u8::try_from(NOTED.load(SeqCst)).unwrap_or_default())
}

/// Returns whether the program was started with this signal ignored. We can find out only on Linux,
/// so the answer is `false` on other systems.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
