/// The one list of all cases: calls `$callback!` with `$with` and every case.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_case {
    ($callback:path, $with:tt) => {
        $callback! {
            $with
            load {
                an_unknown_session_is_absent,
                a_load_creates_nothing,
                a_selection_of_nothing_reads_the_metadata_alone,
                named_attributes_are_read_and_no_others,
                a_selected_attribute_that_does_not_exist_is_left_out,
                everything_is_every_attribute,
                names_are_listed_sorted_whatever_is_read,
                a_session_without_attributes_opens,
                the_metadata_tells_the_terms,
                the_metadata_tells_what_was_left_open,
                a_load_shows_the_access_before_its_own,
                every_node_reads_the_same,
                a_version_that_is_not_there_is_no_obstacle,
            }
            commit {
                a_create_stores_everything_at_version_one,
                a_change_creates_nothing,
                a_create_on_an_existing_handle_is_taken,
                every_commit_adds_one_to_the_version,
                an_access_leaves_the_version,
                an_attribute_tells_the_commit_that_wrote_it,
                an_equal_value_has_the_new_revision,
                a_commit_changes_what_it_names_and_nothing_else,
                a_commit_leaves_other_sessions_alone,
                removing_what_is_absent_is_no_error,
                a_removed_attribute_can_be_set_again,
                a_clear_removes_every_attribute,
                a_clear_comes_before_the_changes_of_its_commit,
                a_commit_without_changes_counts,
                attributes_and_bytes_are_counted,
                a_label_is_kept_until_another_is_set,
                the_answer_tells_the_time_of_the_access,
                a_thousand_attributes_go_in_one_commit,
                a_commit_does_all_kinds_of_change_at_once,
            }
            expect {
                an_expected_revision_is_applied,
                another_revision_is_a_conflict,
                a_revision_is_that_of_its_own_attribute,
                an_expected_absence_is_applied,
                a_presence_is_a_conflict,
                an_absence_is_a_conflict,
                a_conflict_stores_nothing,
                an_expectation_is_of_the_time_before_the_clear,
                every_expectation_must_be_met,
                an_attribute_set_again_is_another,
            }
            guard {
                a_wrong_ticket_reads_nothing,
                a_wrong_ticket_touches_nothing,
                a_wrong_ticket_changes_nothing,
                a_wrong_ticket_replaces_no_ticket,
                a_wrong_ticket_ends_nothing,
                a_wrong_ticket_is_told_nothing,
                a_wrong_ticket_gets_no_first_answer,
                a_ticket_opens_its_own_session_alone,
            }
            expiry {
                a_session_ends_when_its_interval_is_over,
                a_session_is_not_open_at_its_deadline,
                a_session_is_not_open_at_the_end_of_its_lifetime,
                the_last_millisecond_is_in_time,
                the_expired_is_absent_to_every_operation,
                a_lifetime_ends_the_session_whatever_the_activity,
                a_new_ticket_prolongs_no_lifetime,
                an_interval_can_be_lengthened,
                an_interval_can_be_shortened,
                the_shortest_and_the_longest_terms_hold,
                every_session_has_an_interval_of_its_own,
            }
            access {
                a_load_extends_the_session,
                a_commit_extends_the_session,
                a_load_without_touch_extends_nothing,
                a_list_extends_nothing,
                a_refused_commit_extends_nothing,
                an_access_within_the_throttle_is_not_recorded,
                an_access_after_the_throttle_is_recorded,
                the_throttle_is_at_most_a_tenth_of_the_interval,
            }
            held_back {
                an_access_counts_from_when_it_was_made,
                the_last_access_never_goes_backward,
                whether_the_session_was_live_is_judged_as_of_then,
                what_was_made_too_late_is_gone,
                what_was_held_back_brings_nothing_back,
                what_had_expired_and_was_to_end_is_not_revived,
                only_who_may_end_it_closes_what_had_expired,
                one_commit_stands_for_several,
            }
            rotation {
                the_new_ticket_opens_the_same_session,
                the_ticket_before_works_in_the_grace,
                the_ticket_before_is_an_access,
                the_ticket_before_opens_nothing_after_the_grace,
                the_end_of_the_grace_is_too_late,
                a_grace_of_zero_is_over_at_once,
                the_grace_keeps_nothing_alive,
                only_the_ticket_immediately_before_works,
                a_second_renewal_is_told_the_first_ones_seed,
                the_seed_is_forgotten_when_the_new_ticket_is_used,
                the_seed_is_kept_while_the_ticket_before_is_used,
                a_renewed_ticket_can_be_renewed_again,
                a_refused_commit_renews_nothing,
                a_renewal_carries_other_changes,
            }
            sign_in {
                a_sign_in_binds_the_principal,
                the_principal_stays_bound,
                the_ticket_before_is_superseded,
                the_ticket_before_is_absent_after_the_grace,
                a_late_commit_is_gone,
                a_late_commit_is_told_of_no_conflict,
                a_late_renewal_is_gone,
                a_late_sign_in_of_the_same_principal_is_told_so,
                a_late_sign_in_of_another_principal_is_a_conflict,
                a_sign_in_as_somebody_else_rebinds,
                a_principal_may_sign_in_again,
                a_session_may_be_created_by_a_sign_in,
                a_sign_in_ends_the_grace_of_a_renewal,
                the_ticket_before_a_renewal_may_sign_in,
                a_renewal_after_a_sign_in_lets_nobody_back_in,
                a_refused_commit_signs_nobody_in,
            }
            principal {
                an_unknown_principal_has_an_empty_list,
                a_session_of_nobody_is_in_no_list,
                a_list_has_the_oldest_sign_in_first,
                a_list_tells_of_each_session,
                a_list_has_only_live_sessions,
                an_extended_session_stays_in_the_list,
                principals_are_compared_byte_for_byte,
                a_principal_may_have_many_sessions,
            }
            max_sessions {
                as_many_as_allowed_end_nothing,
                one_too_many_is_refused,
                one_too_many_creates_nothing,
                one_too_many_ends_the_oldest,
                a_create_too_many_ends_the_oldest,
                the_oldest_is_the_oldest_sign_in,
                a_lower_limit_ends_several,
                a_session_does_not_count_against_itself,
                a_late_sign_in_is_not_one_more,
                ended_sessions_do_not_count,
                other_principals_do_not_count,
                a_race_of_sign_ins_never_exceeds_and_refuses_the_rest,
                a_race_of_sign_ins_never_exceeds_and_ends_the_oldest,
            }
            invalidate {
                a_ticket_ends_its_session,
                ending_what_does_not_exist_is_a_success,
                nothing_comes_back,
                nothing_is_kept,
                the_ticket_before_a_renewal_ends_the_session,
                a_renewed_ticket_ends_the_session,
                a_superseded_ticket_ends_nothing,
                a_handle_ends_its_session,
                a_handle_with_an_owner_ends_only_theirs,
                a_principal_ends_all_their_sessions,
                one_session_can_be_spared,
                a_rebound_session_ends_with_its_new_principal,
                everyone_is_every_session,
                what_ended_with_everyone_is_never_handed_out,
                what_has_expired_is_not_ended_again,
            }
            sweep {
                nothing_expired_is_nothing_handed_out,
                the_expired_is_handed_out_once,
                the_live_is_never_handed_out,
                the_last_millisecond_is_not_handed_out,
                the_extended_is_not_handed_out,
                the_shortened_is_handed_out,
                the_invalidated_is_never_handed_out,
                what_is_handed_out_tells_what_it_was,
                late_requests_change_nothing_of_it,
                a_lifetime_is_told_as_the_reason,
                selected_values_are_handed_out,
                a_limit_holds_and_the_next_sweep_goes_on,
                each_is_handed_out_to_one_of_many_sweepers,
                what_was_swept_is_in_no_list,
            }
            lease {
                each_is_leased_to_one_of_many_sweepers,
                a_lease_is_handed_out_to_one,
                a_lease_that_is_over_is_handed_out_again,
                an_acknowledged_session_is_removed,
                a_leased_handle_is_taken_until_it_is_acknowledged,
                an_acknowledgement_leaves_live_sessions_alone,
                a_second_acknowledgement_is_no_error,
            }
            ttl {
                an_attribute_tells_when_it_lapses,
                what_has_lapsed_is_absent,
                the_moment_of_the_lapse_is_too_late,
                each_lapses_at_its_own_time,
                nothing_else_prolongs_it,
                setting_it_again_gives_it_the_new_time,
                what_has_lapsed_is_expected_to_be_absent,
                what_has_lapsed_is_counted_no_more,
                each_is_counted_until_its_own_time,
                what_has_lapsed_makes_room,
                a_lapse_is_no_commit,
                an_attribute_does_not_outlive_its_session,
                a_deadline_goes_with_its_attribute,
                what_has_lapsed_is_not_among_the_last_names,
                what_lapses_after_the_end_is_among_the_last_names,
            }
            limits {
                a_value_may_have_as_many_bytes_as_allowed,
                a_session_may_have_as_many_bytes_as_allowed,
                a_session_may_have_as_many_attributes_as_allowed,
                what_a_commit_removes_makes_room,
                a_create_over_a_limit_creates_nothing,
                a_session_that_does_not_grow_is_never_refused,
                a_session_over_a_lowered_limit_may_not_grow,
                a_refused_commit_replaces_no_ticket,
                a_conflict_is_told_before_a_limit,
                limits_hold_under_parallel_commits,
            }
            names {
                names_are_compared_byte_for_byte,
                each_name_is_read_by_itself,
                each_name_is_changed_by_itself,
                names_are_sorted_by_their_bytes,
            }
            values {
                an_empty_value_is_a_value,
                every_byte_comes_back,
                a_megabyte_comes_back,
                any_text_comes_back,
            }
            retry {
                a_change_is_applied_once,
                a_create_is_applied_once,
                a_renewal_is_applied_once,
                a_second_renewal_gets_the_same_answer_again,
                a_sign_in_is_applied_once,
                a_sign_in_ends_the_oldest_once,
                the_first_answer_outlasts_a_few_others,
                every_node_knows_the_first_answer,
                the_first_answer_comes_before_anything_else,
                another_id_is_another_commit,
                a_refused_commit_is_decided_on_anew,
                after_an_invalidation_nothing_is_remembered,
                tries_at_the_same_time_are_applied_once,
            }
            concurrency {
                nobody_sees_half_a_commit,
                writers_of_different_attributes_lose_nothing,
                the_last_writer_of_an_attribute_wins,
                compare_and_set_gives_the_exact_total,
                one_of_many_sets_what_was_absent,
                accesses_lose_nothing,
                one_of_many_creates_a_handle,
                parallel_renewals_agree,
                parallel_sign_ins_of_one_principal_agree,
                parallel_sign_ins_of_different_principals_conflict,
            }
            races {
                commits_bring_nothing_back,
                accesses_bring_nothing_back,
                a_renewal_brings_nothing_back,
                a_logout_and_a_sign_in_come_one_after_the_other,
                no_sign_in_slips_through_an_end,
            }
            dropped {
                a_dropped_change_is_whole_or_nothing,
                a_dropped_change_can_be_tried_again,
                a_dropped_create_is_whole_or_nothing,
                a_dropped_renewal_can_be_tried_again,
                a_dropped_sign_in_can_be_tried_again,
                a_dropped_invalidation_is_whole_or_nothing,
                a_dropped_access_harms_nothing,
                a_dropped_sweep_loses_nothing,
            }
            namespaces {
                a_store_tells_its_namespace,
                a_ticket_opens_nothing_in_another,
                the_same_handle_is_two_sessions,
                an_end_keeps_to_its_own,
                a_sweep_keeps_to_its_own,
                a_limit_of_sessions_keeps_to_its_own,
            }
            feed {
                a_feed_tells_of_commits,
                a_feed_tells_of_ends,
                a_feed_keeps_to_its_own,
                a_feed_tells_that_it_has_caught_up,
            }
            health {
                a_ping_is_answered,
                the_backend_is_named,
            }
        }
    };
}

/// Makes each conformance case a test of its own.
///
/// Give it what makes a harness: a path to an `async fn() -> H`, or a closure that returns a future of one. It is called
/// once for each case, and again for one that was too slow to prove anything; see [`Harness`](crate::Harness). The tests are
/// named `module::case`; each runs in a tokio runtime of its own with two threads, and fails if it is not over within three
/// minutes.
///
/// ```
/// mod conformance {
///     use cloakroom_testkit::ReferenceHarness;
///
///     cloakroom_testkit::conformance!(ReferenceHarness::new);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::for_each_case! { $crate::__conformance_tests, ($make) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (($make:expr) $($group:ident { $($case:ident,)* })*) => {
        const __IN_SCOPE: () = ();

        $(mod $group {
            use super::*;

            const _: () = __IN_SCOPE;

            $(
                #[test]
                fn $case() {
                    $crate::run_case($make, |harness| {
                        ::std::boxed::Box::pin($crate::cases::$group::$case(harness))
                    });
                }
            )*
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __case_table {
    (() $($group:ident { $($case:ident,)* })*) => {
        vec![$($($crate::Case::new(
            concat!(stringify!($group), "::", stringify!($case)),
            |harness| Box::pin($crate::cases::$group::$case(harness)),
        ),)*)*]
    };
}
