//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_folder_that_does_not_exist;
pub mod a_folder_that_is_gone_is_an_error;
pub mod a_folder_with_something_in_it;
pub mod a_panic_becomes_an_error;
pub mod a_panic_in_the_background;
pub mod a_panic_skips_the_removing;
pub mod a_task_that_nobody_tracks;
pub mod another_panic;
pub mod finished_does_not_wait;
pub mod finished_never_returns;
pub mod finished_waits_for_a_moment;
pub mod never_removed;
pub mod nothing_for_a_dropped_caller;
pub mod only_an_empty_folder;
pub mod removed_a_moment_later;
pub mod the_error_is_swallowed;
pub mod the_folder_goes_first;
pub mod the_same_folder_for_all;
