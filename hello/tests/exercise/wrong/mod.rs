//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_poll_that_never_ends;
pub mod a_sleep_without_await;
pub mod a_thread_that_sleeps;
pub mod blocks_in_place;
pub mod counts_up;
pub mod no_tasks;
pub mod nobody_calls_the_waker;
pub mod one_task_at_a_time;
pub mod one_task_for_all;
pub mod polls_itself;
pub mod ready_at_the_second_poll;
pub mod results_as_they_come;
pub mod tells_before_it_waits;
pub mod the_call_starts_again;
pub mod the_first_ends_all;
pub mod three_awaits_in_a_row;
pub mod ticks_first_and_works_later;
