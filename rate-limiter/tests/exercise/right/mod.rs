//! Correct solutions in other styles than ours. All checks must accept them.

pub mod a_semaphore_and_tasks;
pub mod an_actor;
