//! Shows your progress in the exercises of all lessons.
//!
//! Run with: `cargo exercises`
//!
//! Each lesson's checks run in a separate cargo process. A single `cargo test` for all lessons
//! would run none of them if one lesson's `exercise.rs` did not compile.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const LESSONS: [&str; 7] =
    ["hello", "fetch", "errors", "guards", "downloads", "rate-limiter", "worker-pool"];

fn main() -> ExitCode {
    let mut next = None;
    for lesson in LESSONS {
        let arguments = ["test", "--quiet", "-p", lesson, "--test", "exercise", "--", "progress"];
        let output = match Command::new(env!("CARGO")).args(arguments).output() {
            Ok(output) => output,
            Err(error) => {
                println!("cannot run cargo: {error}");
                return ExitCode::FAILURE;
            }
        };
        let line = if output.status.success() {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        } else {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let reason = errors.lines().find(|line| line.starts_with("error"));
            let before = last_time(lesson);
            format!("{lesson:14}does not compile: {}{before}", reason.unwrap_or("no reason given"))
        };
        if next.is_none() && !line.ends_with("  done") {
            next = Some(lesson);
        }
        println!("{line}");
    }
    match next {
        Some(lesson) => println!("\nNext: cargo exercise {lesson}"),
        None => println!("\nAll exercises are done."),
    }
    ExitCode::SUCCESS
}

/// Returns the number of steps that passed in the lesson's last run, as text in parentheses.
/// Returns an empty string if the lesson has no progress file yet.
fn last_time(lesson: &str) -> String {
    // This program is target/debug/deps/exercises-HASH.
    let exe = env::current_exe().unwrap_or_default();
    let target: PathBuf = exe.ancestors().nth(3).unwrap_or(Path::new("target")).into();
    match fs::read_to_string(target.join("exercise").join(lesson)) {
        Ok(text) => format!(" (the last time: {})", text.split(',').next().unwrap_or_default()),
        Err(_) => String::new(),
    }
}
