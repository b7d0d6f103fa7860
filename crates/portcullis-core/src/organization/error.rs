//! Why nothing was changed in an organization.

use std::time::Duration;

use super::service::MOST_ROLES;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};
use crate::scopes::{Missing, in_words};

/// Why nothing was changed in an organization, or none was made. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationsError {
    /// Too many roles at once.
    #[error("name at most {MOST_ROLES} roles")]
    TooManyRoles,
    /// This account may not create organizations.
    #[error("only administrators create organizations here")]
    CreationIsClosed,
    /// There is no such organization.
    #[error("there is no such organization: `portcullis organization list` on the server shows all")]
    UnknownOrganization,
    /// There is no such account.
    #[error("there is no such account")]
    UnknownAccount,
    /// That account is no member.
    #[error("there is no such member")]
    UnknownMember,
    /// There is no such open invitation.
    #[error("there is no such open invitation")]
    UnknownInvitation,
    /// One of the roles doesn't exist.
    #[error("there is no such role")]
    UnknownRole,
    /// Who acts lacks something in the organization that one of the roles brings, or may not change members any more.
    #[error(
        "insufficient privileges: you can give and take only what you have in this organization yourself"
    )]
    BeyondYourRoles,
    /// Who administers lacks what is named: permissions that are taken, or to be an administrator.
    #[error(
        "insufficient privileges: you can give and take only what you may do yourself with this credential, and nothing of an \
         account that may do more; it lacks {}", in_words(.missing)
    )]
    Forbidden {
        /// What the credential lacks.
        missing: Missing,
    },
    /// One of the roles brings something of the server's, which no organization gives.
    #[error("a role that brings something of the server's is given in no organization")]
    ServersRole,
    /// No owner who can act would be left.
    #[error("this is the last owner who can act: make another one first")]
    LastOwner,
    /// The account or address is a member already.
    #[error("this is a member already")]
    AlreadyMember,
    /// The slug is, or was, another organization's.
    #[error("this slug is, or was, another organization's; choose another")]
    SlugTaken,
    /// As many invitations are open as may be.
    #[error("limit of {0} open invitations reached; revoke one first")]
    TooManyInvitations(u32),
    /// The organization had as many slugs as it may have.
    #[error("limit of {0} former slugs reached")]
    TooManySlugs(u32),
    /// So many e-mails were sent that the next may only be after this time.
    #[error("too many invitations were mailed; wait before the next")]
    TooSoon(Duration),
    /// Who invites hasn't proven their own address.
    #[error("verify your e-mail address before inviting")]
    AddressNotProven,
    /// The account would own more organizations than it may.
    #[error("this account owns as many organizations as one account may")]
    TooManyOrganizations,
    /// The invitation is unknown, used, revoked or expired, or its organization is suspended.
    #[error("this invitation was used, revoked, has expired or never existed; ask for another")]
    InvalidInvitation,
    /// It is for another address, or the account hasn't proven that it owns it. The invitation stays good.
    #[error(
        "this invitation is for another address, or you haven't proven yet that it is yours: log in to the account with the \
         invited address, and prove it by the code that /auth/email/code mails"
    )]
    AnotherAddress,
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for OrganizationsError {
    fn details(&self) -> Details {
        match self {
            Self::TooManyRoles => Details::field("/roles", "too_many_roles", self),
            Self::CreationIsClosed => Details::forbidden("creation_closed"),
            Self::UnknownOrganization => Details::not_found(),
            Self::UnknownAccount => Details::unknown("unknown_account"),
            Self::UnknownMember => Details::unknown("unknown_member"),
            Self::UnknownInvitation => Details::unknown("unknown_invitation"),
            Self::UnknownRole => Details::unknown("unknown_role"),
            Self::BeyondYourRoles => Details::forbidden("beyond_your_roles"),
            Self::Forbidden { .. } => Details::beyond(),
            Self::ServersRole => Details::conflict("servers_role").on_record(),
            Self::LastOwner => Details::conflict("last_owner"),
            Self::AlreadyMember => Details::conflict("already_member"),
            Self::SlugTaken => Details::conflict("slug_taken"),
            Self::TooManyInvitations(_) | Self::TooManySlugs(_) => Details::conflict("too_many"),
            Self::TooSoon(wait) => Details::too_many(*wait),
            Self::AddressNotProven => Details::forbidden("address_not_proven"),
            Self::TooManyOrganizations => Details::conflict("too_many_organizations"),
            Self::InvalidInvitation => Details::bad_request("invalid_invitation").on_record(),
            Self::AnotherAddress => Details::forbidden("another_address"),
            Self::Fault(fault) => fault.details(),
        }
    }
}
