//! Wrong solutions. For each of them, `gallery.rs` names the step that must catch it.
#![allow(unused, reason = "a wrong solution may leave something unused")]

pub mod a_broken_transfer_is_complete;
pub mod a_failure_is_a_panic;
pub mod a_limit_of_three;
pub mod a_permit_dropped_at_once;
pub mod a_permit_for_the_headers;
pub mod an_error_page_is_saved;
pub mod everything_in_memory;
pub mod groups_of_three;
pub mod no_flush;
pub mod no_limit;
pub mod one_after_another;
pub mod one_name_for_all_parts;
pub mod only_the_first_piece;
pub mod removed_after_an_error_only;
pub mod results_as_they_arrive;
pub mod straight_to_the_name;
pub mod sync_all_instead_of_flush;
pub mod the_extension_replaced;
pub mod the_first_failure_ends_all;
pub mod the_length_from_the_header;
pub mod the_old_file_first;
pub mod the_part_stays;
