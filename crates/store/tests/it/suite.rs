//! What every store must do, whichever database it stands on.
//!
//! `store_suite!(open)` makes one test of each check. `open` gives a fresh, empty store and whatever must live as long
//! as it does; `None` where there is no such database here. Another database joins by a module with its own `open` and that one line.

pub(crate) mod appending;
pub(crate) mod erasing;
pub(crate) mod reading;
pub(crate) mod registry;
pub(crate) mod running;
pub(crate) mod writing_at_once;

/// One test for each check, on a fresh store from `$open`.
macro_rules! store_suite {
    ($open:path: $($group:ident :: { $($check:ident),+ $(,)? }),+ $(,)?) => {
        $($(
            #[test]
            fn $check() {
                // `None` where the database is not to be had, which was said.
                let Some((store, _keep)) = $open() else { return };
                $crate::suite::$group::$check(&store);
                souffleur_core::store::Store::close(&store);
            }
        )+)+
    };
    ($open:path) => {
        $crate::suite::store_suite! { $open:
            appending::{
                a_session_and_its_parts_are_numbered_in_order,
                a_repeated_session_adds_nothing,
                a_repeated_key_gets_the_first_receipt,
                a_key_stands_for_one_record_of_any_kind,
                late_feedback_and_rules_join_their_session,
                unknown_sessions_are_refused_by_name,
                a_request_is_kept_whole_or_not_at_all,
                a_rule_is_registered_once_and_redefined_in_place,
                made_up_sessions_are_kept_apart_and_flagged,
                an_empty_request_is_answered,
                a_session_without_a_name_is_refused,
                absent_times_are_the_time_of_arrival,
                a_closed_store_says_so,
            },
            reading::{
                pages_of_a_delta_equal_the_whole,
                a_delta_after_the_end_is_empty,
                columns_hold_what_was_appended,
                sessions_come_in_the_order_asked_for,
                pages_of_stored_sessions_are_whole,
                stored_sessions_are_those_of_a_moment,
                documents_are_kept_by_kind_and_subject,
                metrics_are_the_newest_oldest_first,
                everything_is_counted,
                what_there_is_is_told_table_by_table,
            },
            erasing::{
                an_erased_session_leaves_no_row,
                the_numbers_of_erased_rows_stay_taken,
                nothing_to_erase_takes_no_number,
                whatever_quotes_an_erased_session_goes_with_it,
                models_are_traced_through_others,
                the_newest_model_without_erased_rows_takes_over,
                a_model_of_rows_erased_meanwhile_is_refused,
                traces_are_those_of_a_search_row_by_row,
                the_oldest_sessions_are_named_first,
            },
            registry::{
                a_model_enters_as_the_next_version,
                models_are_listed_in_pages,
                a_model_has_many_names,
                a_promoted_model_is_the_live_one,
                old_snapshots_make_room,
                a_manifest_tells_what_a_model_was_made_from,
            },
            running::{
                a_run_is_claimed_and_committed,
                a_stale_epoch_is_fenced,
                a_failed_run_leaves_no_model,
                a_commit_sent_twice_is_kept_once,
                the_newest_model_is_the_latest,
                runs_are_listed_newest_first,
                a_model_has_its_contents_name,
                a_figure_that_is_no_number_does_not_hide_the_run,
                unknown_names_are_refused,
                a_claim_whose_basis_does_not_hold_is_refused,
            },
            writing_at_once::{
                numbers_have_no_gaps_under_writers_some_of_whom_fail,
                readers_see_a_growing_prefix_without_gaps,
                a_key_sent_by_many_at_once_is_kept_once,
                every_epoch_is_handed_out_once,
            },
        }
    };
}
pub(crate) use store_suite;
