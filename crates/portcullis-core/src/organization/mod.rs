//! Organizations: tenants whose data must never meet.
//!
//! An organization has a name, a [`Slug`] and members. A member has roles *in* the organization: the same roles as
//! everywhere, but what they bring counts for rules inside [`Member`](crate::authz::Member) only, and what an account
//! may do elsewhere doesn't count there. At least one member who can act is an owner ([`OWNER`]), always.
//!
//! Flow: a request names an organization ([`Selector`]), the [`MemberDirectory`] answers who the caller is there
//! ([`Current`]), and the decision takes it from there. Changes go through [`Organizations`], whose calls ask for a
//! [`Permit`](crate::authz::Permit) that knows its organization: there is no id to mix up.
//!
//! Administrators work on any organization without being members: they see, appoint and dismiss by what they are
//! everywhere ([`Authority`]), and nobody but an unscoped administrator
//! gives something there.
//!
//! Invariants: who gives a role has everything it brings ([`Authority`]); nothing that begins with `portcullis:` ever
//! comes from an organization; a slug belongs to its first organization for ever, also after a renaming.
//!
//! **Deliberately absent:** roles defined by tenants, organizations within organizations, and credentials bound to
//! one: a session, token or key is its account's, and each request says which organization it is for.

mod authority;
mod current;
mod error;
mod invitation;
mod name;
mod service;
mod store;

use serde::Serialize;

pub use self::current::{Current, MemberDirectory};
pub use self::error::OrganizationsError;
pub use self::invitation::{INVITATION_LIFETIME, Invitation, InvitationKind, InvitationToken, NewInvitation};
pub use self::name::{InvalidDisplayName, InvalidSelector, InvalidSlug, OrganizationName, Selector, Slug};
pub use self::service::{
    Creation, Invite, Invited, Mailed, MayAppoint, MayHandOver, MayLetIn, MaySeeMembers, OWNED,
    Organizations, Settings,
};
#[cfg(any(test, feature = "stub"))]
pub use self::store::Stub;
pub use self::store::{MembershipFacts, NewOrganization, Renaming, Store};
#[cfg(doc)]
use crate::authz::Authority;
use crate::environment::Timestamp;
pub use crate::id::OrganizationId as Id;
pub use crate::scopes::OWNER;
use crate::{account, define_id};

define_id! {
    /// Names an invitation, to revoke it by; what lets somebody in is its token.
    InvitationId
}

crate::roles! {
    /// An owner of the selected organization.
    pub Owner = "organization-owner";
}

/// Whether an organization may be worked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationState {
    /// Its members may work in it.
    Active,
    /// No: every rule that asks for a member refuses until an administrator takes it back.
    Suspended,
}

impl OrganizationState {
    /// The word that is stored, and shown in answers; [`OrganizationState::parse`] reads it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Suspended]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// An organization as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The organization's id, a UUID v7. It never changes.
    pub id: Id,
    /// What it is called in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Whether it may be worked in.
    pub state: OrganizationState,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A member, as other members see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRecord {
    /// The id of the account that is a member.
    pub account: account::Id,
    /// Its address, as typed.
    pub email: Option<String>,
    /// Its user name, as typed.
    pub username: Option<String>,
    /// The roles given to it here directly, sorted.
    pub roles: Vec<String>,
    /// Since when the account is a member, in UTC.
    pub joined_at: Timestamp,
}

/// An organization and what somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// The organization that the account is a member of.
    pub organization: Organization,
    /// The roles given there directly, sorted.
    pub roles: Vec<String>,
}
