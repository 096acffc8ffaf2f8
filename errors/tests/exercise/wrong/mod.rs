//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_limit_for_each_attempt;
pub mod a_pause_at_the_end;
pub mod a_pause_first;
pub mod a_task_that_outlives_its_caller;
pub mod an_invented_failure;
pub mod answers_in_the_order_of_the_services;
pub mod looks_at_the_clock_between_attempts;
pub mod no_pause;
pub mod no_quorum_of_zero;
pub mod nothing_is_contained;
pub mod one_attempt_too_many;
pub mod one_failure_too_many;
pub mod one_service_at_a_time;
pub mod only_messages_without_arguments;
pub mod retries_everything;
pub mod tasks_that_go_on;
pub mod the_deadline_ends_nothing;
pub mod the_first_failure_ends_all;
pub mod the_last_failure_at_the_deadline;
pub mod the_message_of_a_panic_is_lost;
pub mod the_same_pause;
pub mod tries_once;
pub mod waits_although_it_is_out_of_reach;
pub mod waits_for_all;
