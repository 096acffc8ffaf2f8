//! Times 2,000 runs of `true`, and compares the program with `xargs -P` and GNU parallel if they
//! are installed.
//!
//! Run with: `cargo bench -p worker-pool --bench program`

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 2000;
const AT_ONCE: &str = "4";
const ROUNDS: usize = 7;

/// Runs a command with `input` on its stdin, and returns how long it took. Returns `None` if the
/// command is not installed.
fn time(words: &[&str], input: &str) -> Option<Duration> {
    let start = Instant::now();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    assert!(child.wait().ok()?.success(), "{words:?}");
    Some(start.elapsed())
}

fn main() {
    let input: String = (0..RUNS).map(|number| format!("{number}\n")).collect();
    let ways: [&[&str]; 3] = [
        &[env!("CARGO_BIN_EXE_worker-pool"), "-w", AT_ONCE, "--", "true"],
        &["xargs", "-P", AT_ONCE, "-n", "1", "true"],
        &["parallel", "-j", AT_ONCE, "true"],
    ];
    let names = ["worker-pool", "xargs -P", "GNU parallel"];
    let mut times = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for (way, times) in ways.iter().zip(&mut times) {
            times.extend(time(way, &input));
        }
    }
    println!(
        "{RUNS} runs of `true`, {AT_ONCE} at a time; median of {ROUNDS} rounds, interleaved\n"
    );
    for (name, mut times) in names.iter().zip(times) {
        times.sort();
        match times.get(times.len() / 2) {
            Some(median) => println!("{name:<14} {median:.2?}"),
            None => println!("{name:<14} is not installed: skipped"),
        }
    }
}
