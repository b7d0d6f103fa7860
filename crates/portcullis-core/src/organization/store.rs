//! Where organizations are kept.

use super::{
    Belonging, Id, Invitation, InvitationId, InvitationKind, MemberRecord, NewInvitation, Organization,
    OrganizationName, OrganizationState, OrganizationsError, Selector, Slug,
};
use crate::account;
use crate::audit;
use crate::effect::Effect;
use crate::environment::Timestamp;
use crate::port::port;
use crate::secret::Digest;

/// What [`Store::create_organization`] writes of an organization.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// The organization's id, minted by the service.
    pub id: Id,
    /// What it is to be called in addresses; refused if another organization has, or had, it.
    pub slug: Slug,
    /// What people are to call it.
    pub name: OrganizationName,
    /// The account that is its first member, and its owner.
    pub owner: account::Id,
    /// How many organizations the owner may own at most; `None` for any number.
    pub limit: Option<u32>,
    /// When it is created, in UTC: the one moment that the whole operation uses.
    pub at: Timestamp,
}

/// What is to be changed of an organization's names; `None` stays.
#[derive(Debug, Clone)]
pub struct Renaming {
    /// What people are to call it from now on.
    pub name: Option<OrganizationName>,
    /// What it is to be called in addresses from now on; the present one stays its own.
    pub slug: Option<Slug>,
}

/// What an account is in an organization, read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipFacts {
    /// The organization itself, in whatever state it is.
    pub organization: Organization,
    /// All its roles there, those they inherit included.
    pub roles: Vec<String>,
    /// All permissions these roles bring.
    pub permissions: Vec<String>,
}

port! {
    /// Where organizations are kept. Every verb is atomic, and happens wholly, with its audit event, or not at all.
    ///
    /// Verbs that give or take roles are checked inside their transaction ([`Authority`](crate::authz::Authority)): whoever acts
    /// (`by.actor`) is a member who may with the credential at hand (`by.scopes`), or the operator. Who appoints and dismisses
    /// is checked by what they are everywhere ([`Everywhere`](crate::authz::Everywhere)). Nobody but an
    /// administrator, or the operator, makes an account owner of more than [`OWNED`](super::OWNED) organizations. Changes
    /// invalidate
    /// [`Organization`](crate::invalidation::Invalidation::Organization).
    pub trait Store => organization_port;

    /// Creates an organization with its first owner.
    write fn create_organization(new: NewOrganization, by: audit::Context) -> Result<Organization, OrganizationsError>;

    /// The organization of this id or (present) slug.
    read fn organization(selector: Selector) -> Option<Organization>;

    /// Up to `limit` organizations with ids above `after`, by id.
    read fn organizations(after: Option<Id>, limit: u32) -> Vec<Organization>;

    /// The organizations of an account with its roles there, by slug.
    read fn organizations_of(account: account::Id) -> Vec<Belonging>;

    /// What the account is in the organization; `None` if it is no member, or there is none.
    read fn membership(account: account::Id, selector: Selector) -> Option<MembershipFacts>;

    /// Up to `limit` members with account ids above `after`, by id.
    read fn members(organization: Id, after: Option<account::Id>, limit: u32) -> Vec<MemberRecord>;

    /// Sets name and slug. A slug that the organization had before is still its own; it may have had ten.
    write fn rename_organization(organization: Id, renaming: Renaming, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// Sets the state. Suspending revokes every open invitation.
    write fn set_organization_state(organization: Id, state: OrganizationState, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// Makes an account a member with these roles, or sets a member's roles, in whatever state the organization is. Only
    /// an administrator gives something; who acts must be able to take what goes.
    write fn appoint_member(
        organization: Id,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError>;

    /// Removes a member, in whatever state the organization is. Who acts must be able to take every role the member has.
    write fn dismiss_member(organization: Id, account: account::Id, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// Makes an account a member without an invitation, by who may manage members.
    write fn add_member(
        organization: Id,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError>;

    /// Sets a member's roles. Who acts must be able to give what comes and to take what goes.
    write fn set_member_roles(
        organization: Id,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError>;

    /// Removes a member. Who acts must be able to take every role the member has.
    write fn remove_member(organization: Id, account: account::Id, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// Lets an account leave.
    write fn leave_organization(organization: Id, account: account::Id, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// Takes the owners' role from one member and gives it to another, both or neither.
    write fn transfer_ownership(
        organization: Id,
        from: account::Id,
        to: account::Id,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError>;

    /// Writes an invitation; an open one of the same address is replaced, which takes what revoking it takes. An account
    /// that invites has proven its address. Each of the budgets is charged, all or none, and only if it is written.
    write fn invite(new: NewInvitation, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// The invitations that are open at `now`, oldest first.
    read fn invitations(organization: Id, now: Timestamp) -> Vec<Invitation>;

    /// Revokes an open invitation. Who acts must be able to give the roles it brings.
    write fn revoke_invitation(organization: Id, invitation: InvitationId, by: audit::Context) -> Result<Effect, OrganizationsError>;

    /// Redeems an invitation for the account: of any number of parallel calls exactly one joins. The token must be
    /// unused and unexpired at `by.at`, the account must have proven the invited address, and whoever invited must
    /// still be able to give every role it brings. Roles that exist no more are left out. An account that is a member
    /// already just gets the roles.
    write fn accept_invitation(
        token: Digest<InvitationKind>,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Belonging, OrganizationsError>;
}
