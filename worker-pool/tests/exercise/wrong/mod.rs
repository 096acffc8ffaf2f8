//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_blocking_queue;
pub mod a_dropped_handle_is_a_panic;
pub mod a_dropped_handle_stops_the_job;
pub mod a_lock_held_while_the_job_runs;
pub mod a_panic_kills_its_worker;
pub mod a_permit_in_submit;
pub mod a_queue_without_a_bound;
pub mod a_single_worker;
pub mod a_task_for_each_job;
pub mod asks_all_the_time;
pub mod four_workers;
pub mod jobs_after_stop_are_lost;
pub mod looks_every_ten_milliseconds;
pub mod only_messages_without_arguments;
pub mod results_in_the_wrong_hands;
pub mod stop_aborts_the_jobs;
pub mod stop_does_not_close_the_queue;
pub mod stop_does_not_wait;
pub mod stop_once_only;
pub mod submit_runs_the_job;
pub mod the_last_job_first;
pub mod the_message_of_a_panic_is_lost;
