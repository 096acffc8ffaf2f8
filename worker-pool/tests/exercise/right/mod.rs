//! Correct solutions in other styles than ours. All checks must accept them.

pub mod a_shared_receiver;
pub mod two_semaphores;
