//! The tool around the lesson: it reads the URLs, and prints a result for each of them.

pub mod input;
pub mod output;
pub mod printer;
