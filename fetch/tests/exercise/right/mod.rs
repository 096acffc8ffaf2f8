//! Correct solutions in other styles than ours. All checks must accept them.
#![allow(unused, reason = "a solution in another style may leave something unused")]

pub mod a_join_set;
pub mod tasks_with_handles_that_abort;
