//! Two of three columns give another answer than the one expected. Asked by name only: this shows that
//! the table would tell.

use super::{Behaviour, Expected, Seen};

pub const EXPECTED: Expected = Expected {
    name: "doubles",
    answers: ["right", "right", "right"],
    why: "Two of them are wrong on purpose.",
};

pub static DOUBLES: Behaviour = Behaviour {
    name: EXPECTED.name,
    source: "src/behaviours/doubles.rs",
    text: include_str!("doubles.rs"),
    experiments: [Some(|| "wrong".into()), Some(panics), Some(|| "right".into())],
};

fn panics() -> Seen {
    panic!("this double panics")
}
