//! The tool around the lesson: where the URLs come from, and what is printed of each.

pub mod input;
pub mod output;
pub mod printer;
