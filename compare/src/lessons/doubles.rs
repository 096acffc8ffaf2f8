//! Columns that break their contract: a wrong answer, a panic, a hang. They show that the table
//! would tell.

/// What all three should answer.
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
