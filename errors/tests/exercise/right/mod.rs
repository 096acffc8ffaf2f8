//! Correct solutions in other styles than ours. All checks must accept them.

pub mod a_join_set_of_services;
pub mod a_recursive_select;
