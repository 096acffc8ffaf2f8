//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_list_and_one_sleep;
pub mod a_reserved_place;
pub mod a_stack_of_callers;
pub mod a_task_that_resets_the_counter;
pub mod a_token_bucket;
pub mod a_window_that_begins_when_the_last_one_is_over;
pub mod blocks_the_thread;
pub mod even_spacing;
pub mod everybody_passes;
pub mod forgets_before_it_waits;
pub mod looks_every_millisecond;
pub mod looks_every_ten_milliseconds;
pub mod no_queue;
pub mod nobody_gives_the_permit_back;
pub mod remembers_everything;
pub mod spins;
pub mod the_planned_time;
pub mod wakes_everybody;
pub mod windows_from_the_first_call;
