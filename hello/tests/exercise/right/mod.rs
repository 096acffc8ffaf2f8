//! Correct solutions in other styles than ours. All checks must accept them.

pub mod a_join_set_and_places;
pub mod a_thread_and_a_channel;
