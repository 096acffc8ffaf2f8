//! Correct solutions in other styles than ours. All checks must accept them.

pub mod a_buffered_stream;
pub mod tasks_and_threads;
