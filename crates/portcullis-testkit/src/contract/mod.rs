//! What every store must do, whatever is beneath it.
//!
//! Each case is one `async fn` over a fresh, empty store; its name says the action and the condition.
//! [`store_contract!`](crate::store_contract) makes a test of each:
//!
//! ```ignore
//! async fn open() -> Option<(MyStore, TempDir)> {
//!     let folder = TempDir::new().ok()?;
//!     Some((MyStore::open(folder.path()).await, folder))
//! }
//! portcullis_testkit::store_contract!(crate::open);
//! ```
//!
//! `open` answers the store and what must be kept until the case is done, or `None` where the store's server isn't
//! there: the case is then skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a case is a test: it stops where a store breaks the contract"
)]

pub mod access;
pub mod account;
pub mod api_key;
pub mod audit;
mod composed;
pub mod decisions;
pub mod declared_roles;
mod fixtures;
pub mod grant;
pub mod inheritance;
pub mod job;
pub mod key;
pub mod organization;
pub mod session;
pub mod tier;
pub mod token;

pub use self::composed::Composed;

/// What the sessions of the cases carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// A session token and a refresh token.
    Both,
    /// A session token alone: what a browser has.
    Token,
}

/// A store of everything: what the cases run on. `impl Stores for MyStore` adds how it is told what a deployment requires.
pub trait Stores:
    portcullis_core::account::Store
    + portcullis_core::session::Store
    + portcullis_core::token::Store
    + portcullis_core::roles::Store
    + portcullis_core::authz::explain::Store
    + portcullis_core::grants::Store
    + portcullis_core::audit::Store
    + portcullis_core::key::Store
    + portcullis_core::organization::Store
    + portcullis_core::api_key::Store
    + portcullis_core::job::Store
    + portcullis_core::tier::Store
    + Clone
    + 'static
{
    /// What the sessions that the cases of the session slice open carry.
    fn holding(&self) -> Holding {
        Holding::Both
    }

    /// From now on an account without a proven address may not act.
    fn require_verified_email(&self);
}

impl Stores for portcullis_store::Database {
    fn require_verified_email(&self) {
        Self::require_verified_email(self, true);
    }
}

/// Makes one test of each case of the contract, on the stores that the async function `$open` answers; its path is
/// seen from a module beneath the caller's. With `sessions` after it: of the cases about sessions alone.
#[macro_export]
macro_rules! store_contract {
    ($open:path) => {
        $crate::store_contract!(@ $open, account:
            register_taken_identifier_writes_nothing
            register_a_name_that_looks_like_another_writes_nothing
            register_names_that_look_alike_in_parallel_makes_one
            register_in_parallel_makes_one_account
            register_of_a_proven_address_in_parallel_makes_none
            register_with_unknown_role_writes_nothing
            register_writes_everything_at_once
            find_logins_reads_any_spelling
            list_pages_by_id
            rehash_of_a_changed_password_is_refused
            set_state_by_who_may_not_act_is_refused
            set_state_disabled_ends_everything
            set_state_active_needs_a_proven_address
            register_writes_the_email_with_the_account
            register_without_its_email_writes_nothing
            register_tells_the_owner_of_a_proven_address
            offer_verification_writes_token_and_email_or_neither
            offer_verification_of_a_proven_address_tells_its_owner
            offer_verification_needs_an_unverified_address
            redeem_verification_refuses_all_but_a_good_token
            redeem_verification_of_the_same_bytes_for_another_purpose_is_refused
            redeem_verification_never_revives_an_account
            redeem_verification_in_parallel_has_one_winner
            claims_of_one_address_coexist
            the_first_proof_takes_the_address_from_all_others
            proofs_by_many_claimants_in_parallel_have_one_winner
            proof_by_another_account_is_refused
            taking_over_ends_everything_made_before
            taking_over_an_account_with_a_role_is_refused
            claims_expire
            claims_in_use_live_on
            a_hidden_claim_of_a_proven_address_is_never_proven
            prove_email_needs_a_claim
            a_vouched_address_is_proven_from_the_beginning
            tries_beside_a_code_are_bounded
            register_first_administrator_needs_the_open_token
            offer_setup_is_closed_once_an_administrator_exists
            register_first_administrator_in_parallel_makes_one
            create_service_takes_a_name_nobody_has
            create_service_makes_no_login_and_no_session
            attributes_are_facts_of_the_account
            change_attributes_to_what_can_not_be_writes_nothing
            change_attributes_by_who_may_not_give_is_refused
        );
        $crate::store_contract!($open, sessions);
        $crate::store_contract!(@ $open, token:
            rotate_unknown_token_is_unknown
            rotate_token_under_another_sessions_name_is_unknown
            rotate_expired_token_is_refused
            rotate_without_a_living_session_is_refused
            rotate_of_an_account_that_may_not_act_is_refused
            rotate_good_token_brings_its_successor
            rotate_replay_ends_the_family
            rotate_again_needs_the_standing_successor
            rotate_again_however_late_while_the_successor_is_unused
            rotate_again_after_a_clock_was_set_back_has_no_grace
            rotate_in_parallel_without_grace_has_one_winner
            rotate_in_parallel_with_grace_never_forks
            rotate_racing_with_logout_leaves_nothing
            revoke_is_kept_until_it_expires
            use_up_in_parallel_has_one_winner
            revoke_purpose_leaves_nothing_to_use_up
            sweep_keeps_what_may_still_matter
            sweep_is_bounded
        );
        $crate::store_contract!(@ $open, access:
            declare_ill_formed_name_is_refused
            declare_gives_everything_to_the_administrator
            an_action_stays_one_until_it_is_withdrawn
            declare_permission_is_recorded_and_spares_what_is_reserved
            withdraw_permission_takes_it_from_everybody
            change_of_the_unknown_is_refused
            change_of_the_administrator_is_protected
            inherit_cycle_is_refused
            inherit_in_parallel_never_closes_a_ring
            facts_gather_what_is_inherited
            holders_are_those_who_were_given_the_role
            delete_role_takes_it_from_everybody
            unassign_of_the_last_administrator_is_protected
            set_state_keeps_one_administrator
            unassign_in_parallel_keeps_one_administrator
            unassign_never_leaves_a_service_account_as_the_only_administrator
            guards_count_only_who_may_act
        );
        $crate::store_contract!(@ $open, declared_roles:
            declare_roles_takes_nothing_over_that_would_gain
            declare_roles_takes_over_what_gains_nothing
            declare_roles_writes_each_difference_once
            declare_roles_sets_back_what_was_changed
            declare_roles_tells_what_is_left
            declare_roles_keeps_the_last_administrator
            declare_roles_in_parallel_makes_each_once
        );
        $crate::store_contract!(@ $open, inheritance:
            what_is_held_follows_every_change_of_the_graph
            changes_of_the_graph_in_parallel_leave_what_it_says
        );
        $crate::store_contract!(@ $open, api_key:
            create_for_nobody_is_refused
            create_over_the_limit_is_refused
            create_in_parallel_keeps_the_limit
            create_keeps_everything
            import_twice_is_one_key
            import_of_a_former_text_changes_nothing
            import_is_bounded_like_a_creation
            imported_tells_of_imported_keys_alone
            import_in_parallel_makes_one_key
            find_of_anothers_key_is_refused
            find_by_digest_refuses_all_but_the_text
            change_of_anothers_key_is_refused
            change_sets_only_what_was_asked_for
            rotate_while_an_overlap_runs_is_refused
            rotate_keeps_the_old_text_until_the_overlap_ends
            rotate_moves_the_end_if_it_is_asked_to
            sweep_forgets_the_text_before_a_rotation
            rotate_in_parallel_has_one_winner
            rotate_without_overlap_in_parallel_has_one_winner
            revoke_of_anothers_key_is_refused
            revoke_in_parallel_has_one_winner
            set_state_disabled_disables_keys
            set_state_disabled_in_a_race_leaves_no_key
            end_everything_ends_what_is_under_way
            end_everything_ends_keys_as_asked
            touch_never_moves_back_or_revives
            warn_expiring_answers_each_key_once
            warn_expiring_leaves_out_what_needs_no_warning
            warn_expiring_without_its_email_marks_nothing
            warn_expiring_answers_what_was_withheld_again
        );
        $crate::store_contract!(@ $open, grant:
            share_of_what_is_unknown_is_refused
            share_by_who_may_not_act_is_refused
            share_counts_for_exactly_what_it_says
            share_ends_at_its_moment
            share_with_many_follows_who_belongs
            unshare_counts_at_once
            unshare_all_leaves_nothing_of_one_resource
            share_is_recorded_once
            held_ids_pages_in_order
            share_beyond_the_limit_is_refused
            share_on_a_grant_that_is_gone_is_refused
            share_in_parallel_keeps_the_limit
            share_in_parallel_makes_one_grant
            sweep_takes_grants_that_are_over
        );
        $crate::store_contract!(@ $open, tier:
            tiers_are_replaced_as_a_whole_with_their_event
        );
        $crate::store_contract!(@ $open, decisions:
            keep_writes_the_event_with_the_decision
            keep_of_a_kept_trace_keeps_the_first
            keep_against_a_stranger_writes_no_event
            recall_of_an_unknown_trace_is_nothing
            forget_spares_what_is_within_its_bounds
            forget_of_strangers_spares_the_known
            forget_is_bounded
        );
        $crate::store_contract!(@ $open, audit:
            append_keeps_every_field
            list_pages_newest_first
            list_shows_only_what_was_asked_for
            list_shows_what_one_key_did
        );
        $crate::store_contract!(@ $open, key:
            found_where_keys_exist_changes_nothing
            found_in_parallel_makes_one_ring
            found_after_all_retired_adds_the_ring
            withdraw_takes_no_key_that_signs
            rotate_from_another_key_is_refused
            rotate_without_a_next_key_changes_nothing
            rotate_in_parallel_turns_once
            delete_retired_spares_what_still_verifies
            reseal_of_changed_bytes_is_refused
        );
        $crate::store_contract!(@ $open, job:
            enqueue_over_a_budget_is_withheld
            lease_before_its_moment_is_nothing
            lease_in_parallel_gives_each_job_once
            lease_that_ran_out_is_taken_again
            finish_after_the_lease_was_lost_is_refused
            retry_at_comes_back_at_its_moment
            give_up_forgets_what_was_sealed
            lease_takes_the_oldest_of_its_kind
        );
        $crate::store_contract!(@ $open, organization:
            create_organization_refuses_what_is_taken
            create_organization_in_parallel_makes_one
            membership_is_of_one_account_in_one_organization
            as_member_tells_what_all_active_organizations_give
            giving_beyond_ones_own_is_refused
            role_that_inherits_a_title_is_given_by_who_has_the_title
            taking_from_above_is_refused
            appointing_beyond_ones_own_is_refused
            appointing_gives_nothing_of_the_servers
            dismissing_from_above_is_refused
            appointing_works_in_every_organization
            appointing_in_parallel_makes_one_member
            the_last_owner_stays
            an_owner_who_may_not_act_is_none
            the_only_owner_is_disabled_with_a_word
            owners_leaving_in_parallel_keep_one
            transfer_ownership_needs_owner_and_member
            invite_replaces_revokes_and_is_limited
            accept_invitation_refuses_all_but_the_invited
            accept_invitation_in_parallel_has_one_winner
            rename_organization_keeps_former_slugs
            suspended_organization_changes_nothing
            owners_role_is_protected
            revoking_gives_no_email_back
            suspending_withdraws_invitations
            ownership_beyond_the_limit_is_refused
            accept_invitation_judges_the_roles_of_now
            accept_invitation_by_a_member_and_while_it_is_revoked
            sweep_takes_invitations_that_are_over
        );
    };
    ($open:path, sessions) => {
        $crate::store_contract!(@ $open, session:
            open_of_a_changed_account_is_refused
            open_racing_with_disabling_leaves_nothing
            open_keeps_everything
            open_over_the_limit_evicts_the_least_recently_seen
            open_in_parallel_keeps_the_limit
            open_tells_of_a_new_device
            find_by_token_refuses_all_but_the_token
            list_shows_what_lives
            rename_of_anothers_session_is_refused
            renew_with_an_old_token_is_refused
            renew_in_parallel_has_one_winner
            end_of_anothers_session_is_refused
            end_in_parallel_has_one_winner
            end_others_keeps_one_and_strangers
            end_all_changes_the_stamp
            touch_never_moves_back_or_revives
            list_of_an_account_without_sessions_is_empty
        );
    };
    (@ $open:path, $slice:ident: $($case:ident)*) => {
        mod $slice {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some((store, _kept)) = $open().await {
                        $crate::contract::$slice::$case(store).await;
                    }
                }
            )*
        }
    };
}

#[cfg(test)]
mod tests;
