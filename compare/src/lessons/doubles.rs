//! Three columns that break their contract: one gives a wrong answer, one panics, and one hangs.
//! Tests use them to check that the table reports such columns.

/// The answer that all three columns should give.
pub const EXPECTED: u64 = 42;

pub fn answers_wrongly() -> u64 {
    EXPECTED - 1
}

pub fn panics() -> u64 {
    panic!("this double panics");
}

pub fn hangs() -> u64 {
    loop {
        std::thread::park();
    }
}
