//! Tests the program that runs the exercises of all lessons.

use std::fs;
use std::time::{Duration, Instant};

use crate::runner::{
    Exercise, Seen, Step, Stuck, Verdict, expect, judge_within, list, moments, on_the_paused_clock,
    on_the_real_clock,
};

const SOON: Duration = Duration::from_millis(200);

/// Keeps the processor busy, but not forever, because nothing can stop this thread.
fn spins() -> Seen {
    on_the_paused_clock(async {
        let start = Instant::now();
        while start.elapsed() < 10 * SOON {
            tokio::task::yield_now().await;
        }
        Ok(())
    })
}

fn blocks() -> Seen {
    on_the_real_clock(async {
        std::thread::sleep(10 * SOON);
        Ok(())
    })
}

fn waits() -> Seen {
    on_the_real_clock(async {
        tokio::time::sleep(10 * SOON).await;
        Ok(())
    })
}

#[test]
#[allow(clippy::todo, reason = "the verdict about it is tested")]
fn every_way_to_end_has_its_verdict() {
    for (check, verdict) in [
        ((|| Ok(())) as fn() -> Seen, Verdict::Passed),
        (|| Err("seen".into()), Verdict::Failed("seen".into())),
        (|| todo!("the learner's work"), Verdict::NotBegun),
        // The `todo!` is in a task, and the check sees only that the task has failed.
        (
            || {
                on_the_real_clock(async {
                    let task = tokio::spawn(async { todo!("the learner's work") });
                    task.await.map_err(|error| error.to_string())
                })
            },
            Verdict::NotBegun,
        ),
        (blocks, Verdict::Stuck(Stuck::Blocked)),
        (waits, Verdict::Stuck(Stuck::Asleep)),
    ] {
        assert_eq!(judge_within(check, SOON), verdict);
    }
    let Verdict::Panicked(message) = judge_within(|| panic!("a bug"), SOON) else {
        panic!("a panic must be reported");
    };
    assert!(message.contains("exercise.rs:") && message.ends_with(": a bug"), "{message}");
    // On the paused clock, a wait that never ends takes no time.
    let seen = on_the_paused_clock(std::future::pending());
    assert!(seen.unwrap_err().starts_with("after a day on the paused clock"));
    // Only Linux shows in a file how busy a process is.
    if cfg!(target_os = "linux") {
        let seen = on_the_paused_clock(async {
            std::thread::sleep(10 * SOON);
            Err("too early".into())
        });
        assert!(seen.unwrap_err().contains("Does a call block the thread"));
    }
    if cfg!(target_os = "linux") {
        assert_eq!(judge_within(spins, SOON), Verdict::Stuck(Stuck::Busy));
    }
}

fn step(does: &'static str) -> Step {
    Step { does, task: "Begin here.", check: || Ok(()), hints: &[] }
}

#[test]
fn the_screen_explains_the_first_step_that_fails_and_lists_the_others() {
    let steps = [step("first"), step("second"), step("third")];
    let exercise = Exercise { lesson: "hello", folder: "", stub: "", steps: &steps };
    let failed = Verdict::Failed("Seen 1, expected 2.\n  a drawing".into());
    let screen = exercise.screen(1, Some(&failed), false);
    let lines: Vec<_> = screen.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "hello, step 2 of 3                                           hello/exercise.rs",
            "  + 1  first",
            "  x 2  second",
            "       Seen 1, expected 2.",
            "         a drawing",
            "    3  third",
            "Next: step 2. A hint: cargo exercise hello hint",
        ]
    );
    assert!(exercise.screen(0, Some(&Verdict::NotBegun), false).contains("       Begin here.\n"));
    assert!(exercise.screen(3, None, true).contains("\u{1b}[32m✔\u{1b}[0m 3  third"));
    assert!(!exercise.screen(1, Some(&failed), false).contains('\u{1b}'));
}

#[test]
fn times_are_listed_and_drawn() {
    assert_eq!(list(&[0.0, 0.9, 1.05]), "0.00, 0.90 and 1.05 s");
    assert_eq!((list(&[1.0]), list(&[])), ("1.00 s".into(), "never".into()));
    let drawing = moments(&[0.0, 0.5, 1.0]);
    let places: Vec<_> = drawing.chars().enumerate().filter(|(_, c)| *c == '●').collect();
    assert_eq!(
        places.iter().map(|(place, _)| place - places[0].0).collect::<Vec<_>>(),
        [0, 25, 50]
    );
    assert!(drawing.ends_with("1.00 s"));
    assert_eq!(expect(false, || "seen".into()), Err("seen".into()));
}

#[test]
fn every_exercise_begins_with_its_stub() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for lesson in ["hello", "fetch", "errors", "guards", "downloads", "rate-limiter", "worker-pool"]
    {
        let stub = fs::read_to_string(root.join(lesson).join("tests/exercise/stub.rs")).unwrap();
        assert!(stub.contains("todo!(") && stub.contains(&format!("cargo exercise {lesson}")));
        let solution = fs::read_to_string(root.join(lesson).join("solution.rs")).unwrap();
        let lines = solution.lines().filter(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with("//") && !line.starts_with("use ")
        });
        let lines = lines.count();
        assert!((10..=80).contains(&lines), "{lesson}: a solution of {lines} lines");
        // Every public item of the stub is in the solution, too.
        for line in stub.lines().filter(|line| line.starts_with("pub ")) {
            let name = line.split(['(', '<', '{']).next().unwrap().trim();
            assert!(solution.contains(name), "{lesson}: {name} is not in the solution");
        }
    }
}
