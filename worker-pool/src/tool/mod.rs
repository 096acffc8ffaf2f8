//! The tool around the lesson: a command for every line of stdin, so many at a time.

use std::io::{self, Write};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use tokio::process::Command;
use tokio::sync::mpsc;
use worker_pool::WorkerPool;

/// What becomes of a run as a whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every command ended with status 0.
    AllDone,
    /// Some did not; each was named.
    SomeFailed,
    /// The command cannot be started at all.
    CannotStart(String),
}

/// Runs `command` once for every line of stdin. Dropping the future stops reading; commands that
/// run are killed when the runtime ends.
pub async fn run(pool: WorkerPool, command: &[String]) -> anyhow::Result<Outcome> {
    let cannot_start = Arc::new(OnceLock::new());
    let mut items = lines_of_stdin();
    let mut handles = Vec::new();
    while let Some(item) = items.recv().await {
        let item = item.context("stdin")?;
        // What cannot be started once will not be a thousand times.
        if cannot_start.get().is_some() {
            break;
        }
        let (command, cannot_start) = (with_item(command, &item), Arc::clone(&cannot_start));
        handles
            .push(pool.submit(async move { run_one(command, &item, &cannot_start).await }).await?);
    }
    pool.stop().await;

    let mut outcome = Outcome::AllDone;
    for handle in handles {
        match handle.await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => outcome = Outcome::SomeFailed,
            Ok(Err(output)) => return Err(output.into()),
            Err(error) => {
                eprintln!("worker-pool: {error}");
                outcome = Outcome::SomeFailed;
            }
        }
    }
    Ok(match cannot_start.get() {
        Some(why) => Outcome::CannotStart(why.clone()),
        None => outcome,
    })
}

/// Puts the item in the place of every `{}`; without one, behind the last argument.
fn with_item(command: &[String], item: &str) -> Vec<String> {
    let mut words: Vec<_> = command.iter().map(|word| word.replace("{}", item)).collect();
    if !command.iter().any(|word| word.contains("{}")) {
        words.push(item.into());
    }
    words
}

/// Runs one command and prints what it has printed, in one piece; returns whether it succeeded.
async fn run_one(
    words: Vec<String>,
    item: &str,
    cannot_start: &OnceLock<String>,
) -> io::Result<bool> {
    let (program, arguments) = words.split_first().expect("clap asks for a command");
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        // A job that is dropped leaves no process behind.
        .kill_on_drop(true)
        .output()
        .await;
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            let _ = cannot_start.set(format!("{program}: {error}"));
            return Ok(false);
        }
    };
    // The lock keeps the output of different jobs apart.
    io::stdout().lock().write_all(&output.stdout)?;
    let mut errors = io::stderr().lock();
    errors.write_all(&output.stderr)?;
    if !output.status.success() {
        writeln!(errors, "worker-pool: {item}: {}", output.status)?;
    }
    Ok(output.status.success())
}

/// The lines of stdin, read on a thread of their own: the runtime waits for its blocking threads
/// when it ends, and one that waits for a line that never comes would keep Ctrl-C from ending us.
fn lines_of_stdin() -> mpsc::Receiver<io::Result<String>> {
    let (lines, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            if lines.blocking_send(line).is_err() {
                break; // nobody wants more
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::with_item;

    #[test]
    fn the_item_stands_for_every_pair_of_braces_or_at_the_end() {
        for (command, words) in [
            (vec!["echo"], vec!["echo", "x y"]),
            (vec!["echo", "{}"], vec!["echo", "x y"]),
            (vec!["cp", "{}", "{}.bak"], vec!["cp", "x y", "x y.bak"]),
            (vec!["{}"], vec!["x y"]),
        ] {
            let command: Vec<_> = command.into_iter().map(String::from).collect();
            assert_eq!(with_item(&command, "x y"), words);
        }
    }
}
