//! Where organizations are kept.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    Belonging, Id, Invitation, InvitationId, InvitationKind, MemberRecord, Name, NewInvitation, Organization,
    Selector, Slug, State,
};
use crate::account;
use crate::audit;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::scopes::Lacks;
use crate::secret::Digest;

/// Everything [`Store::create_organization`] writes.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Its new id.
    pub id: Id,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// Its first owner.
    pub owner: account::Id,
    /// How many organizations the owner may own at most; `None` for any number.
    pub limit: Option<u32>,
    /// When.
    pub at: Timestamp,
}

/// What came of creating an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It exists now.
    Created(Organization),
    /// The slug is, or was, another organization's.
    Taken,
    /// There is no such account.
    UnknownAccount,
    /// The account owns as many as it may.
    TooMany,
}

/// What is to be changed of an organization's names; `None` stays.
#[derive(Debug, Clone)]
pub struct Renaming {
    /// The new name.
    pub name: Option<Name>,
    /// The new slug.
    pub slug: Option<Slug>,
}

/// What came of a change in an organization. Only [`Change::Done`] wrote anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "whoever or whatever doesn't exist, or may not be changed, is told here only: handle it"]
pub enum Change {
    /// It is so now.
    Done,
    /// It was so already.
    Unchanged,
    /// There is no such organization.
    UnknownOrganization,
    /// There is no such account.
    UnknownAccount,
    /// That account is no member.
    UnknownMember,
    /// There is no such open invitation.
    UnknownInvitation,
    /// One of the roles doesn't exist.
    UnknownRole,
    /// Who acts lacks something that one of the roles brings, or may not change members any more.
    Beyond,
    /// Who administers lacks what is named: permissions that are taken, or to be an administrator.
    Lacks(Lacks),
    /// One of the roles brings something of the server's, which no organization gives.
    TheServers,
    /// No owner who can act would be left.
    LastOwner,
    /// The account or address is a member already.
    Member,
    /// The slug is, or was, another organization's.
    Taken,
    /// There are as many invitations, or former slugs, as there may be.
    TooMany,
    /// So many letters were sent that the next may only be after this time.
    TooSoon(Duration),
    /// Who invites hasn't proven their own address.
    NotProven,
    /// The account would own more organizations than it may.
    OwnsTooMany,
}

impl Change {
    /// Whether what was asked for is so now, made by this call or before it.
    pub fn is_so(&self) -> bool {
        matches!(self, Self::Done | Self::Unchanged)
    }
}

/// What came of accepting an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The account is a member now.
    Joined(Belonging),
    /// The invitation is unknown, used, revoked or expired, or its organization is suspended.
    Refused,
    /// It is for another address, or the account hasn't proven that it owns it. The invitation stays good.
    AnotherAddress,
    /// It makes the account an owner, and it owns as many organizations as it may. The invitation stays good.
    OwnsTooMany,
}

/// What an account is in an organization, read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipFacts {
    /// The organization.
    pub organization: Organization,
    /// All its roles there, those they inherit included.
    pub roles: Vec<String>,
    /// All permissions these roles bring.
    pub permissions: Vec<String>,
}

/// Where organizations are kept. Every verb is atomic, and happens wholly, with its audit event, or not at all.
///
/// Verbs that give or take roles are judged inside their transaction ([`Authority`](super::Authority)): whoever acts
/// (`by.actor`) is a member who may with the credential at hand (`by.scopes`), or the operator. Who appoints and dismisses
/// is judged by what they are everywhere ([`authz::Authority`](crate::authz::Authority)). Nobody but an
/// administrator, or the operator, makes an account owner of more than [`OWNED`](super::OWNED) organizations. Changes
/// invalidate
/// [`Organization`](crate::invalidation::Invalidation::Organization).
#[async_trait]
pub trait Store: Send + Sync {
    /// Creates an organization with its first owner.
    async fn create_organization(&self, new: NewOrganization, by: audit::Context) -> Result<Created, Fault>;

    /// The organization of this id or (present) slug.
    async fn organization(&self, selector: Selector) -> Result<Option<Organization>, Fault>;

    /// Up to `limit` organizations with ids above `after`, by id.
    async fn organizations(&self, after: Option<Id>, limit: u32) -> Result<Vec<Organization>, Fault>;

    /// The organizations of an account with its roles there, by slug.
    async fn organizations_of(&self, account: account::Id) -> Result<Vec<Belonging>, Fault>;

    /// What the account is in the organization; `None` if it is no member, or there is none.
    async fn membership(
        &self,
        account: account::Id,
        selector: Selector,
    ) -> Result<Option<MembershipFacts>, Fault>;

    /// Up to `limit` members with account ids above `after`, by id.
    async fn members(
        &self,
        organization: Id,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Vec<MemberRecord>, Fault>;

    /// Sets name and slug. A slug that the organization had before is still its own; it may have had ten.
    async fn rename_organization(
        &self,
        organization: Id,
        renaming: Renaming,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Sets the state. Suspending revokes every open invitation.
    async fn set_organization_state(
        &self,
        organization: Id,
        state: State,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Makes an account a member with these roles, or sets a member's roles, in whatever state the organization is. Only
    /// an administrator gives something; who acts must be able to take what goes.
    async fn appoint_member(
        &self,
        organization: Id,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Removes a member, in whatever state the organization is. Who acts must be able to take every role the member has.
    async fn dismiss_member(
        &self,
        organization: Id,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Makes an account a member without an invitation, by who may manage members.
    async fn add_member(
        &self,
        organization: Id,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Sets a member's roles. Who acts must be able to give what comes and to take what goes.
    async fn set_member_roles(
        &self,
        organization: Id,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Removes a member. Who acts must be able to take every role the member has.
    async fn remove_member(
        &self,
        organization: Id,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Lets an account leave.
    async fn leave_organization(
        &self,
        organization: Id,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Takes the owners' role from one member and gives it to another, both or neither.
    async fn transfer_ownership(
        &self,
        organization: Id,
        from: account::Id,
        to: account::Id,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Writes an invitation; an open one of the same address is replaced, which takes what revoking it takes. An account
    /// that invites has proven its address. Each of the budgets is charged, all or none, and only if it is written.
    async fn invite(&self, new: NewInvitation, by: audit::Context) -> Result<Change, Fault>;

    /// The invitations that are open at `now`, oldest first.
    async fn invitations(&self, organization: Id, now: Timestamp) -> Result<Vec<Invitation>, Fault>;

    /// Revokes an open invitation. Who acts must be able to give the roles it brings.
    async fn revoke_invitation(
        &self,
        organization: Id,
        invitation: InvitationId,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Redeems an invitation for the account: of any number of parallel calls exactly one joins. The token must be
    /// unused and unexpired at `by.at`, the account must have proven the invited address, and whoever invited must
    /// still be able to give every role it brings. Roles that exist no more are left out. An account that is a member
    /// already just gets the roles.
    async fn accept_invitation(
        &self,
        token: Digest<InvitationKind>,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Accepted, Fault>;
}
