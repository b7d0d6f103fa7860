//! A store of everything whose sessions are kept by another store than the rest.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::account::{
    Account, EmailVerification, Identifier, Login, NewAccount, NewServiceAccount, Offer, Offered, Outcome,
    Proof, Proving, Redeemed, Setup,
};
use portcullis_core::api_key::{ApiKey, Creation, Due, Found, KeyDigest, NewApiKey, Warning, Wording};
use portcullis_core::audit::{Context, Event, Filter, Refusal};
use portcullis_core::authz::explain::Bounds;
use portcullis_core::authz::{AccountFacts, Decision};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::grants::{self, Holder, Subject, Target};
use portcullis_core::job::{self, Enqueued, Job, Lease, NewJob};
use portcullis_core::key::Record;
use portcullis_core::organization::{
    Accepted, Belonging, Created, Invitation, InvitationId, InvitationKind, MemberRecord, MembershipFacts,
    NewInvitation, NewOrganization, Organization, Renaming, Selector,
};
use portcullis_core::password::SealedHash;
use portcullis_core::roles::{self, Change, MemberFacts, PermissionRecord, RoleRecord};
use portcullis_core::secret::Digest;
use portcullis_core::session::{Ending, NewSession, Opening, Session, SessionToken};
use portcullis_core::throttle::Budget;
use portcullis_core::token::{Refresh, Rotated, Rotation};
use portcullis_core::{account, api_key, audit, authz, key, organization, session, token};
use uuid::Uuid;

use super::{Holding, Stores};

/// `sessions` for sessions, `rest` for everything else.
#[derive(Debug, Clone)]
pub struct Composed<R, S> {
    /// Everything but sessions.
    pub rest: R,
    /// Sessions.
    pub sessions: S,
    /// What the sessions that the cases open carry.
    pub holding: Holding,
}

impl<R, S> Stores for Composed<R, S>
where
    R: Stores,
    S: session::Store + Clone + 'static,
{
    fn holding(&self) -> Holding {
        self.holding
    }

    fn require_verified_email(&self) {
        self.rest.require_verified_email();
    }
}

/// Passes every verb of a port on to the field.
macro_rules! pass_on {
    ($port:path => $field:ident $store:ident:
        $(fn $verb:ident($($name:ident: $kind:ty),*) -> $answer:ty;)*
    ) => {
        #[async_trait]
        impl<R, S> $port for Composed<R, S>
        where
            R: Stores,
            S: session::Store + Clone + 'static,
        {
            $(async fn $verb(&self, $($name: $kind),*) -> Result<$answer, Fault> {
                <$store as $port>::$verb(&self.$field, $($name),*).await
            })*
        }
    };
}

pass_on! { session::Store => sessions S:
    fn open(new: NewSession, by: Context) -> Opening;
    fn find_by_token(token: Digest<SessionToken>) -> Option<Session>;
    fn find(id: session::Id) -> Option<Session>;
    fn list(account: account::Id, now: Timestamp) -> Vec<Session>;
    fn rename(account: account::Id, id: session::Id, name: String, by: Context) -> bool;
    fn renew(id: session::Id, old: Digest<SessionToken>, new: Digest<SessionToken>, by: Context) -> bool;
    fn end(account: account::Id, id: session::Id, why: Ending, by: Context) -> bool;
    fn end_others(account: account::Id, keep: session::Id, by: Context) -> u64;
    fn end_everything(account: account::Id, stamp: account::Stamp, keys: session::Keys, by: Context) -> session::Everything;
    fn touch(seen: Vec<(session::Id, Timestamp)>) -> ();
}

pass_on! { account::Store => rest R:
    fn register(new: NewAccount, by: Context) -> Outcome;
    fn offer_setup(digest: Digest<Setup>, expires_at: Timestamp, by: Context) -> bool;
    fn setup_is_open(digest: Digest<Setup>, now: Timestamp) -> bool;
    fn register_first_administrator(token: Digest<Setup>, new: NewAccount, by: Context) -> Outcome;
    fn create_service(new: NewServiceAccount, by: Context) -> Outcome;
    fn list_services(after: Option<account::Id>, limit: u32) -> Vec<Account>;
    fn find(id: account::Id) -> Option<Account>;
    fn find_logins(who: Identifier) -> Vec<Login>;
    fn list(after: Option<account::Id>, limit: u32) -> Vec<Account>;
    fn rehash(id: account::Id, old: SealedHash, new: SealedHash) -> bool;
    fn set_state(id: account::Id, state: account::State, stamp: account::Stamp, by: Context) -> account::StateSet;
    fn spend(budgets: Vec<Budget>, now: Timestamp) -> Result<(), Duration>;
    fn offer_verification(id: account::Id, offer: Offer, by: Context) -> Offered;
    fn find_verification(token: Digest<EmailVerification>, now: Timestamp) -> Option<Login>;
    fn count_verification_try(token: Digest<EmailVerification>, most: u32, now: Timestamp) -> bool;
    fn redeem_verification(token: Digest<EmailVerification>, proof: Proof, stamp: account::Stamp, by: Context) -> Redeemed;
    fn prove_email(id: account::Id, stamp: account::Stamp, by: Context) -> Proving;
    fn expire_claims(now: Timestamp, limit: u32, stamp: account::Stamp, by: Context) -> u64;
}

pass_on! { token::Store => rest R:
    fn rotate_refresh(rotation: Rotation, by: Context) -> Rotated;
    fn find_refresh(token: Digest<Refresh>) -> Option<session::Id>;
    fn revoke(id: token::Id, account: account::Id, expires_at: Timestamp, by: Context) -> ();
    fn is_revoked(id: token::Id) -> bool;
    fn sweep(now: Timestamp, limit: u32) -> u64;
}

pass_on! { roles::Store => rest R:
    fn as_member(account: account::Id) -> MemberFacts;
    fn declare(permissions: Vec<PermissionRecord>, at: Timestamp) -> ();
    fn declare_permission(permission: PermissionRecord, by: Context) -> Change;
    fn withdraw_permission(name: String, by: Context) -> Change;
    fn facts(account: account::Id) -> Option<AccountFacts>;
    fn permissions() -> Vec<PermissionRecord>;
    fn roles() -> Vec<RoleRecord>;
    fn create_role(name: String, description: String, by: Context) -> Change;
    fn delete_role(name: String, by: Context) -> Change;
    fn allow(role: String, permission: String, by: Context) -> Change;
    fn disallow(role: String, permission: String, by: Context) -> Change;
    fn inherit(role: String, parent: String, by: Context) -> Change;
    fn disinherit(role: String, parent: String, by: Context) -> Change;
    fn assign(account: account::Id, role: String, by: Context) -> Change;
    fn unassign(account: account::Id, role: String, by: Context) -> Change;
    fn holders(role: String, after: Option<account::Id>, limit: u32) -> Option<Vec<Account>>;
    fn assigned(account: account::Id) -> Option<Vec<String>>;
}

pass_on! { authz::explain::Store => rest R:
    fn keep(decision: Decision, by: Context) -> ();
    fn recall(trace: Uuid) -> Option<Decision>;
    fn forget(bounds: Bounds, limit: u32) -> u64;
}

pass_on! { organization::Store => rest R:
    fn create_organization(new: NewOrganization, by: Context) -> Created;
    fn organization(selector: Selector) -> Option<Organization>;
    fn organizations(after: Option<organization::Id>, limit: u32) -> Vec<Organization>;
    fn organizations_of(account: account::Id) -> Vec<Belonging>;
    fn membership(account: account::Id, selector: Selector) -> Option<MembershipFacts>;
    fn members(id: organization::Id, after: Option<account::Id>, limit: u32) -> Vec<MemberRecord>;
    fn rename_organization(id: organization::Id, renaming: Renaming, by: Context) -> organization::Change;
    fn set_organization_state(id: organization::Id, state: organization::State, by: Context) -> organization::Change;
    fn appoint_member(id: organization::Id, who: account::Id, roles: Vec<String>, by: Context) -> organization::Change;
    fn dismiss_member(id: organization::Id, who: account::Id, by: Context) -> organization::Change;
    fn add_member(id: organization::Id, who: account::Id, roles: Vec<String>, by: Context) -> organization::Change;
    fn set_member_roles(id: organization::Id, who: account::Id, roles: Vec<String>, by: Context) -> organization::Change;
    fn remove_member(id: organization::Id, who: account::Id, by: Context) -> organization::Change;
    fn leave_organization(id: organization::Id, who: account::Id, by: Context) -> organization::Change;
    fn transfer_ownership(id: organization::Id, from: account::Id, to: account::Id, by: Context) -> organization::Change;
    fn invite(new: NewInvitation, by: Context) -> organization::Change;
    fn invitations(id: organization::Id, now: Timestamp) -> Vec<Invitation>;
    fn revoke_invitation(id: organization::Id, invitation: InvitationId, by: Context) -> organization::Change;
    fn accept_invitation(token: Digest<InvitationKind>, account: account::Id, by: Context) -> Accepted;
}

pass_on! { audit::Store => rest R:
    fn append(refusal: Refusal, by: Context) -> ();
    fn list(filter: Filter, limit: u32) -> Vec<Event>;
}

pass_on! { key::Store => rest R:
    fn load() -> Vec<Record>;
    fn found(records: Vec<Record>, by: Context) -> Vec<Record>;
    fn rotate(expected: String, next: Record, delete_retired_at: Timestamp, by: Context) -> bool;
    fn retire_others(algorithm: String, delete_at: Timestamp, by: Context) -> u64;
    fn withdraw(kid: String, replacement: Option<Record>, by: Context) -> bool;
    fn delete_retired(now: Timestamp) -> u64;
    fn reseal(kid: String, old: Vec<u8>, new: Vec<u8>) -> bool;
}

pass_on! { grants::Store => rest R:
    fn share(grant: grants::Grant, on: grants::Ground, by: Context) -> grants::Outcome;
    fn unshare(target: Target, subject: Subject, action: String, by: Context) -> bool;
    fn unshare_all(target: Target, by: Context) -> u64;
    fn grants_of(target: Target, now: Timestamp) -> Vec<grants::Record>;
    fn held(holder: Holder, target: Target, action: String, now: Timestamp) -> Option<grants::Term>;
    fn held_ids(holder: Holder, kind: String, action: String, now: Timestamp, after: String, limit: u32) -> Vec<String>;
}

pass_on! { api_key::Store => rest R:
    fn create_key(new: NewApiKey, by: Context) -> Creation;
    fn list(account: account::Id) -> Vec<ApiKey>;
    fn find(account: account::Id, id: api_key::Id) -> Option<ApiKey>;
    fn find_by_digest(digest: KeyDigest) -> Option<Found>;
    fn change_key(account: account::Id, id: api_key::Id, change: api_key::Change, stamp: Option<account::Stamp>, by: Context) -> api_key::Changed;
    fn rotate_key(account: account::Id, id: api_key::Id, rotation: api_key::Rotation, by: Context) -> api_key::Rotated;
    fn revoke_key(account: account::Id, id: api_key::Id, by: Context) -> bool;
    fn note_used(used: Vec<(api_key::Id, Timestamp, Option<IpAddr>)>) -> ();
    fn warn_expiring(due: Due, wording: Arc<dyn Wording>, by: Context) -> Vec<Warning>;
}

pass_on! { job::Store => rest R:
    fn enqueue(job: NewJob, by: Context) -> Enqueued;
    fn next_due(kind: job::Kind) -> Option<Timestamp>;
    fn waiting(kind: job::Kind) -> u64;
    fn lease(kind: job::Kind, lease: Lease, now: Timestamp, until: Timestamp) -> Option<Job>;
    fn finish(job: job::Id, lease: Lease) -> bool;
    fn retry_at(job: job::Id, lease: Lease, at: Timestamp) -> bool;
    fn give_up(job: job::Id, lease: Lease, reason: String, by: Context) -> bool;
}
