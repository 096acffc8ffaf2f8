//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_broken_page_is_empty;
pub mod a_failure_is_a_panic;
pub mod a_limit_of_three;
pub mod all_at_once;
pub mod an_error_page_is_a_page;
pub mod failures_are_left_out;
pub mod losers_that_go_on;
pub mod no_urls_are_a_panic;
pub mod no_urls_no_reason;
pub mod one_after_another;
pub mod one_at_a_time;
pub mod only_the_first_piece;
pub mod only_the_last_failure;
pub mod results_as_they_come;
pub mod tasks_that_outlive_the_stream;
pub mod tasks_that_start_too_early;
pub mod the_first_failure_ends_the_stream;
pub mod the_first_head_wins;
pub mod the_first_result_wins;
pub mod waits_for_all;
