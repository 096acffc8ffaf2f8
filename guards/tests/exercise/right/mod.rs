//! Correct solutions in other styles than ours. All checks must accept them.
#![allow(unused, reason = "a solution in another style may leave something unused")]

pub mod a_count_and_a_signal;
pub mod drop_blocks_for_a_moment;
