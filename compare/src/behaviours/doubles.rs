//! A fake question to which two of the three columns give a wrong answer, so that tests can check
//! that wrong answers are reported. It is asked only if you name it on the command line.

use super::{Behaviour, Expected, From, Seen};

pub const EXPECTED: Expected = Expected {
    name: "doubles",
    answers: ["right", "right", "right"],
    in_task: None,
    why: "Two of the columns give a wrong answer on purpose.",
};

pub static DOUBLES: Behaviour = Behaviour {
    name: EXPECTED.name,
    source: "src/behaviours/doubles.rs",
    text: include_str!("doubles.rs"),
    asked_from: &[From::Root],
    experiments: [Some(|_| "wrong".into()), Some(panics), Some(|_| "right".into())],
};

fn panics(_: From) -> Seen {
    panic!("this double panics")
}
