//! The tool around the lesson: where the URLs come from, and what is printed for each.

pub mod input;
pub mod output;
pub mod printer;
