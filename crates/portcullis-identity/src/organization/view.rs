//! How organizations are shown.

use jiff::Timestamp as Moment;
use portcullis_core::account::shown_address;
use portcullis_core::environment::Timestamp;
use portcullis_core::organization::{Belonging, Current, Invitation, MemberRecord, Organization};
use portcullis_core::scopes::Scopes;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// An organization, as its members and administrators see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Organization")]
pub(super) struct OrganizationView {
    /// The organization's id.
    #[schemars(with = "Uuid")]
    pub(super) id: String,
    /// Its name in addresses.
    slug: String,
    /// What people call it.
    name: String,
    /// `active` or `suspended`.
    state: &'static str,
    /// When it was created, RFC 3339.
    #[schemars(with = "Moment")]
    created_at: Timestamp,
}

impl From<&Organization> for OrganizationView {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            slug: organization.slug.clone(),
            name: organization.name.clone(),
            state: organization.state.as_str(),
            created_at: organization.created_at,
        }
    }
}

/// An organization and the roles the caller has there.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OrganizationMembership {
    /// The organization that the caller is a member of.
    #[serde(flatten)]
    organization: OrganizationView,
    /// The roles given there directly.
    roles: Vec<String>,
}

impl From<&Belonging> for OrganizationMembership {
    fn from(belonging: &Belonging) -> Self {
        Self {
            organization: OrganizationView::from(&belonging.organization),
            roles: belonging.roles.clone(),
        }
    }
}

/// An organization and what the presented credential may do there.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OrganizationAccess {
    /// The organization that the request selects.
    #[serde(flatten)]
    organization: OrganizationView,
    /// All roles there, inherited ones included.
    roles: Vec<String>,
    /// What the presented credential may do there.
    permissions: Vec<String>,
}

impl OrganizationAccess {
    pub(super) fn from(current: &Current, scopes: &Scopes) -> Self {
        let membership = current.membership();
        let permissions = membership.permission_names.iter();
        Self {
            organization: OrganizationView::from(current.organization()),
            roles: membership.roles.clone(),
            permissions: permissions.filter(|name| scopes.include(name)).cloned().collect(),
        }
    }
}

/// A member of an organization, as other members see them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(super) struct MemberView {
    /// The account's id.
    #[schemars(with = "Uuid")]
    pub(super) account: String,
    /// Its address, as typed.
    email: Option<String>,
    /// Its user name, as typed.
    username: Option<String>,
    /// The roles given to it here directly.
    roles: Vec<String>,
    /// Since when, RFC 3339.
    #[schemars(with = "Moment")]
    joined_at: Timestamp,
}

impl From<MemberRecord> for MemberView {
    fn from(member: MemberRecord) -> Self {
        Self {
            account: member.account.to_string(),
            email: member.email.as_deref().map(shown_address),
            username: member.username,
            roles: member.roles,
            joined_at: member.joined_at,
        }
    }
}

/// An open invitation.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
pub(super) struct InvitationView {
    /// The invitation's id.
    #[schemars(with = "Uuid")]
    id: String,
    /// The invited address.
    email: String,
    /// The roles it brings.
    roles: Vec<String>,
    /// The account that invited; absent for the operator.
    #[schemars(with = "Option<Uuid>")]
    invited_by: Option<String>,
    /// When it was written, RFC 3339.
    #[schemars(with = "Moment")]
    created_at: Timestamp,
    /// From when on it is refused, RFC 3339.
    #[schemars(with = "Moment")]
    expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: shown_address(&invitation.email),
            roles: invitation.roles,
            invited_by: invitation.invited_by.map(|id| id.to_string()),
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}
